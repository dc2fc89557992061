package job

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// bootID tells one start of this computer from another, and containers on it
// from one another, because each counts its processes anew.
func bootID() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(append(boot, space...))
	return hex.EncodeToString(sum[:6])
}

// running reports whether a process may still do something. One that has ended
// keeps its number until its parent asks for its end, which the first process
// of a container may never do.
func running(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	// The name stands in parentheses and may hold any character.
	_, after, ok := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
	return !ok || after == "" || !strings.ContainsRune("ZXx", rune(after[0]))
}
