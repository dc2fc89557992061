package credential_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shardadmin/internal/credential"
	"shardadmin/internal/credential/keyringtest"
	"shardadmin/internal/fault"
)

// scenario names what a child of the test does on a bus of its own: the bus is
// a matter of the whole process.
const scenario = "SHARD_ADMIN_TEST_KEYCHAIN"

func TestMain(m *testing.M) {
	if name := os.Getenv(scenario); name != "" {
		if err := play(name); err != nil {
			fmt.Println("FAILED:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const keychainPassword = "kept by gnome-keyring ü"

func want(code fault.Code, err error) error {
	if fault.CodeOf(err) != code {
		return fmt.Errorf("want %s, got %s: %w", code, fault.CodeOf(err), errors.Join(err, errors.Unwrap(err)))
	}
	if fault.HintOf(err) == "" && code != fault.CredentialMissing {
		return fmt.Errorf("%s has no remedy", code)
	}
	return nil
}

func play(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	k := credential.Keychain{Patience: 10 * time.Second}
	switch name {
	case "keeps":
		return keeps(ctx, k)
	case "locked":
		return locked(ctx, k)
	case "frozen":
		return frozen(ctx)
	case "absent":
		if err := want(fault.KeychainAbsent, k.Check(ctx)); err != nil {
			return err
		}
		_, err := k.Get(ctx, "f", "c")
		if err := want(fault.KeychainAbsent, err); err != nil {
			return err
		}
		if err := want(fault.KeychainAbsent, k.Set(ctx, "f", "c", credential.Credential{User: "u"})); err != nil {
			return err
		}
		// A server may need no password; where it does, this is the reason.
		c, source, err := credential.Chain{Store: k, Env: func(string) string { return "" }}.Resolve(ctx, "f", "c", credential.Endpoint{User: "u"})
		if err != nil || source != credential.FromNowhere {
			return fmt.Errorf("the chain gave %s: %w", source, err)
		}
		return want(fault.KeychainAbsent, c.Lacking)
	}
	return fmt.Errorf("no scenario %s", name)
}

func keeps(ctx context.Context, k credential.Keychain) error {
	if err := k.Check(ctx); err != nil {
		return err
	}
	if _, err := k.Get(ctx, "prod", "control"); !errors.Is(err, credential.ErrNotFound) {
		return fmt.Errorf("an empty keychain gave %w", err)
	}
	kept := credential.Credential{User: "ops", Password: credential.NewSecret(keychainPassword)}
	if err := k.Set(ctx, "prod", "control", kept); err != nil {
		return err
	}
	if err := k.Set(ctx, "prod", "shard_1", credential.Credential{User: "other", Password: credential.NewSecret("x")}); err != nil {
		return err
	}
	got, err := k.Get(ctx, "prod", "control")
	if err != nil || got != kept {
		return fmt.Errorf("kept %v, got %v %w", kept.User, got.User, err)
	}
	kept.Password = credential.NewSecret("rotated")
	if err := k.Set(ctx, "prod", "control", kept); err != nil {
		return err
	}
	// The chain asks it first.
	chain := credential.Chain{Store: k, Env: func(string) string { return "from the environment" }}
	got, source, err := chain.Resolve(ctx, "prod", "control", credential.Endpoint{User: "named"})
	if err != nil || source != credential.FromKeychain || got != kept {
		return fmt.Errorf("the chain gave %v from %s: %w", got.User, source, err)
	}
	if _, source, err = chain.Resolve(ctx, "staging", "control", credential.Endpoint{User: "named"}); err != nil || source != credential.FromEnvironment {
		return fmt.Errorf("another fleet's came from %s: %w", source, err)
	}
	if err := k.Delete(ctx, "prod", "control"); err != nil {
		return err
	}
	if err := k.Delete(ctx, "prod", "control"); !errors.Is(err, credential.ErrNotFound) {
		return fmt.Errorf("deleting twice gave %w", err)
	}
	got, err = k.Get(ctx, "prod", "shard_1")
	if err != nil || got.User != "other" {
		return fmt.Errorf("the other item is gone: %w", err)
	}
	// An item that another program wrote is not guessed at.
	if out, err := exec.CommandContext(ctx, "sh", "-c", "printf plain | secret-tool store --label=x service shard-admin username prod/foreign").CombinedOutput(); err == nil {
		if _, err := k.Get(ctx, "prod", "foreign"); fault.CodeOf(err) != fault.CredentialMissing || errors.Is(err, credential.ErrNotFound) {
			return fmt.Errorf("a foreign item gave %w (%s)", err, out)
		}
	}
	return nil
}

func locked(ctx context.Context, k credential.Keychain) error {
	if err := k.Set(ctx, "f", "c", credential.Credential{User: "u", Password: credential.NewSecret("p")}); err != nil {
		return err
	}
	if err := keyringtest.Lock(ctx, os.Environ()); err != nil {
		return err
	}
	start := time.Now()
	_, err := k.Get(ctx, "f", "c")
	if err := want(fault.KeychainLocked, err); err != nil {
		return err
	}
	if took := time.Since(start); took > k.Patience+2*time.Second {
		return fmt.Errorf("it took %s", took)
	}
	if !fault.Retryable(err) {
		return errors.New("a locked keychain may be tried again")
	}
	// What else has the password serves; with nothing else the lock is told.
	chain := credential.Chain{Store: k, Env: func(name string) string {
		return map[string]string{"SHARD_ADMIN_PASSWORD_F_C": "env"}[name]
	}}
	if _, source, err := chain.Resolve(ctx, "f", "c", credential.Endpoint{}); err != nil || source != credential.FromEnvironment {
		return fmt.Errorf("the chain gave %s: %w", source, err)
	}
	_, _, err = chain.Resolve(ctx, "f", "d", credential.Endpoint{})
	if err := want(fault.KeychainLocked, err); err != nil {
		return err
	}
	// A server on this computer is asked first whether it wants a password.
	c, source, err := chain.Resolve(ctx, "f", "d", credential.Endpoint{Host: "/run/postgresql", User: "u"})
	if err != nil || source != credential.FromNowhere || c.User != "u" {
		return fmt.Errorf("through a socket the chain gave %s of %s: %w", source, c.User, err)
	}
	return want(fault.KeychainLocked, c.Lacking)
}

// frozen: a keychain that never answers does not hold the program.
func frozen(ctx context.Context) error {
	start := time.Now()
	k := credential.Keychain{Patience: 500 * time.Millisecond}
	_, err := k.Get(ctx, "f", "c")
	if err := want(fault.KeychainLocked, err); err != nil {
		return err
	}
	if took := time.Since(start); took > 5*time.Second {
		return fmt.Errorf("it took %s", took)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = credential.Keychain{}.Get(ended, "f", "c")
	if !errors.Is(err, context.Canceled) {
		return fmt.Errorf("an ended call gave %w", err)
	}
	return nil
}

// desk is a folder for a session of its own; a socket's path is short.
func desk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "desk")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	// A bus or a keychain must not outlive the test.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second // and is a failure, not a test without end, if it does
	out, err := cmd.CombinedOutput()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	require.NoError(t, err, string(out))
	require.NotContains(t, string(out), keychainPassword)
}

func TestARealKeychain(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	for _, name := range []string{"keeps", "locked", "frozen"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := keyringtest.Start(t.Context(), desk(t))
			require.NoError(t, err)
			t.Cleanup(d.Close)
			if name == "frozen" {
				require.NoError(t, d.Freeze())
			}
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Env = append(d.Env, scenario+"="+name)
			run(t, cmd)
		})
	}
}

func TestNoKeychain(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	bare, err := keyringtest.Bare(desk(t))
	require.NoError(t, err)
	for name, env := range map[string][]string{
		"no bus":     bare.Env,
		"no address": slices.DeleteFunc(slices.Clone(bare.Env), func(v string) bool { return strings.HasPrefix(v, "DBUS_SESSION_BUS_ADDRESS=") }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Env = append(slices.Clip(env), scenario+"=absent")
			run(t, cmd)
		})
	}
}
