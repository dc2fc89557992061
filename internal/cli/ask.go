package cli

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"shardadmin/internal/credential"
	"shardadmin/internal/fault"
	"shardadmin/internal/fleet"
)

// lineReader reads standard input line by line; one reader for the whole run,
// because a buffer keeps what it read ahead.
type lineReader struct{ r *bufio.Reader }

func (p *program) readLine() (string, error) {
	if p.lines == nil {
		p.lines = &lineReader{bufio.NewReader(io.LimitReader(p.stdin, 1<<20))}
	}
	s, err := p.lines.r.ReadString('\n')
	if err != nil && (err != io.EOF || s == "") {
		return "", fault.Wrap(err, fault.Usage, "standard input ended before there was an answer", "type it, or give it on standard input")
	}
	return strings.TrimRight(s, "\r\n"), nil
}

// terminal returns the file descriptor of standard input where a person sits
// at it.
func (p *program) terminal() (fd int, ok bool) {
	f, is := p.stdin.(*os.File)
	if !is || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// asks reports whether questions may be asked.
func (p *program) asks() bool {
	_, ok := p.terminal()
	return ok && !p.yes
}

// awaited runs f, which waits for a person, and gives up when the context
// ends: a read of a terminal cannot be interrupted.
func awaited[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := f()
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.v, a.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

func (p *program) ask(ctx context.Context, question string) (string, error) {
	_, _ = io.WriteString(p.stderr, question+" ")
	return awaited(ctx, p.readLine)
}

// secret asks for a password without showing it; without a terminal it is the
// next line of standard input.
func (p *program) secret(ctx context.Context, question string) (credential.Secret, error) {
	fd, ok := p.terminal()
	if !ok {
		s, err := p.readLine()
		if err != nil {
			return credential.Secret{}, fault.New(fault.Usage, "no password was given", "give it as a line on standard input, or use a terminal and be asked")
		}
		return p.hidden(s)
	}
	before, err := term.GetState(fd)
	if err != nil {
		return credential.Secret{}, fault.Wrap(err, fault.Usage, "the terminal cannot hide what is typed", "give the password on standard input")
	}
	_, _ = io.WriteString(p.stderr, question+": ")
	b, err := awaited(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	_, _ = io.WriteString(p.stderr, "\n")
	if err != nil {
		_ = term.Restore(fd, before)
		return credential.Secret{}, err
	}
	return p.hidden(string(b))
}

// passphrase asks for that of the vault, twice where one is to be made.
func (p *program) passphrase(ctx context.Context, fresh bool) (credential.Secret, error) {
	if !fresh {
		return p.secret(ctx, "Passphrase of the vault")
	}
	first, err := p.secret(ctx, "Passphrase of the new vault")
	if err != nil {
		return credential.Secret{}, err
	}
	again, err := p.secret(ctx, "The same again")
	if err == nil && again.Reveal() != first.Reveal() {
		err = fault.New(fault.Usage, "the two passphrases differ", "begin anew")
	}
	return first, err
}

func (p *program) hidden(s string) (credential.Secret, error) {
	if s == "" {
		return credential.Secret{}, fault.New(fault.Usage, "the password is empty", "give it as a line on standard input, or use a terminal and be asked")
	}
	secret := credential.NewSecret(s)
	if p.home != nil {
		p.home.Hide(secret)
	}
	return secret, nil
}

// change prepares a change of a fleet: it asks for the reason where none was
// given and for the confirmation, if somebody is there to be asked. What is
// missing after that is refused by policy, not here.
func (p *program) change(ctx context.Context, f *fleet.Fleet, what, name string) error {
	if !p.asks() {
		return nil
	}
	p.say("%s", what)
	if p.note == "" && f.Environment != fleet.Demo {
		note, err := p.ask(ctx, "Why? The audit trail keeps the answer:")
		if err != nil {
			return err
		}
		p.note = strings.TrimSpace(note)
	}
	if f.Environment == fleet.Production {
		if p.confirm == "" {
			typed, err := p.ask(ctx, "This is production. Type "+name+" to confirm:")
			if err != nil {
				return err
			}
			p.confirm = strings.TrimSpace(typed)
		}
		return nil
	}
	return p.sure(ctx)
}

// sure asks for a yes where somebody is there to be asked.
func (p *program) sure(ctx context.Context) error {
	if !p.asks() {
		return nil
	}
	a, err := p.ask(ctx, "Go on? [y/N]")
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(a)) {
	case "y", "yes":
		return nil
	}
	return fault.New(fault.Cancelled, "nothing was changed", "")
}
