package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that runs.
type process struct {
	cmd  *exec.Cmd
	url  string
	took time.Duration // from its start until it said that it is ready
	log  *os.File
}

var readyAt = regexp.MustCompile(`ready at (https?://\S+)\s`)

// start starts a program and waits until it says that it is ready.
func start(log string, env []string, program string, args ...string) (*process, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt is for us, who then stop it
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	said := &announcement{file: file, heard: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = said, said // one of the two says so; with the same writer, one goroutine copies both
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, log: file}
	select {
	case p.url = <-said.heard:
		p.took = time.Since(began)
		return p, nil
	case <-time.After(startAtMost):
		p.kill()
		text, _ := os.ReadFile(log) // to be shown
		return nil, fmt.Errorf("%s did not start: %s", filepath.Base(program), text)
	}
}

const startAtMost = 30 * time.Second

// announcement is a log in which a server says that it is ready.
type announcement struct {
	file  *os.File
	line  []byte
	said  bool
	heard chan string
}

// Write writes to the log.
func (a *announcement) Write(p []byte) (int, error) {
	if !a.said {
		a.line = append(a.line, p...)
		if found := readyAt.FindSubmatch(a.line); found != nil {
			a.said = true
			a.heard <- string(found[1])
		}
	}
	return a.file.Write(p)
}

// stop ends the process as an operator would.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return p.log.Close()
}

// kill ends the process at once; it is for one that keeps nothing.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	_ = p.cmd.Wait()
	p.log.Close()
}

// clockTick is the unit of /proc/<pid>/stat: USER_HZ is 100 on every Linux.
const clockTick = 10 * time.Millisecond

// The fields of /proc/<pid>/stat after the command's name (proc(5)).
const (
	fieldParent      = 1
	fieldUser        = 11
	fieldSystem      = 12
	fieldChildUser   = 13
	fieldChildSystem = 14
)

func statFields(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	_, after, ok := strings.Cut(string(text), ") ")
	if !ok {
		return nil, fmt.Errorf("/proc/%d/stat: %q", pid, text)
	}
	return strings.Fields(after), nil
}

func ticks(fields []string, which ...int) time.Duration {
	var sum int64
	for _, f := range which {
		n, _ := strconv.ParseInt(fields[f], 10, 64) // the kernel writes numbers
		sum += n
	}
	return time.Duration(sum) * clockTick
}

// cpu returns the processor time of a process, in user mode and in the kernel: to the nanosecond where the kernel tells it of
// each thread, else in hundredths of a second, which are several µs of each of some thousand requests.
func cpu(pid int) (time.Duration, error) {
	fields, err := statFields(pid)
	if err != nil {
		return 0, err
	}
	if exact, ok := cpuOfThreads(pid); ok {
		return exact, nil
	}
	return ticks(fields, fieldUser, fieldSystem), nil
}

// cpuOfThreads adds up what the scheduler counted for the threads that live. Those of Go programs and of PostgreSQL's
// processes do not end before their process.
func cpuOfThreads(pid int) (sum time.Duration, ok bool) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return 0, false
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		first, _, found := strings.Cut(string(text), " ")
		ran, parseErr := strconv.ParseInt(first, 10, 64)
		if err != nil || !found || parseErr != nil {
			return 0, false
		}
		sum += time.Duration(ran)
	}
	return sum, true
}

// cpuOfFamily returns the processor time of a process, its children, and those of its children that have ended.
func cpuOfFamily(pid int) (time.Duration, error) {
	fields, err := statFields(pid)
	if err != nil {
		return 0, err
	}
	sum, err := cpu(pid)
	if err != nil {
		return 0, err
	}
	sum += ticks(fields, fieldChildUser, fieldChildSystem)
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		child, _ := strconv.Atoi(filepath.Base(entry)) // as the pattern says
		if fields, err := statFields(child); err == nil && fields[fieldParent] == strconv.Itoa(pid) {
			if ran, err := cpu(child); err == nil { // it may have ended meanwhile
				sum += ran
			}
		}
	}
	return sum, nil
}

// resident returns the VmRSS of a process in bytes.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}
