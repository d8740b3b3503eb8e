package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

var errNoPostgres = errors.New("no PostgreSQL is installed: install the Debian package postgresql")

// postgres is a server of our own with its usual settings, fsync above all: the record is to be durable.
type postgres struct {
	programs, folder string
	credential       *syscall.Credential
	url              string
	postmaster       int
}

func startPostgres(folder string) (*postgres, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl")
	if err != nil || len(found) == 0 {
		return nil, errors.Join(errNoPostgres, err)
	}
	p := &postgres{programs: filepath.Dir(found[len(found)-1]), folder: folder}
	if err := p.own(); err != nil {
		return nil, err
	}
	socket := folder
	for _, command := range [][]string{
		{"initdb", "-D", folder + "/data", "-U", "postgres", "-A", "trust", "-E", "UTF8"},
		{"pg_ctl", "-D", folder + "/data", "-l", folder + "/log", "-w", "-o", "-c listen_addresses='' -k " + socket, "start"},
	} {
		if err := p.run(command[0], command[1:]...); err != nil {
			return nil, err
		}
	}
	if err := p.fillLog(socket); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	text, err := os.ReadFile(folder + "/data/postmaster.pid")
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	p.postmaster, err = strconv.Atoi(string(line))
	p.url = p.urlOf("postgres")
	return p, err
}

func (p *postgres) urlOf(database string) string {
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: url.Values{"host": {p.folder}, "user": {"postgres"}}.Encode()}).String()
}

// create creates a database and returns its URL.
func (p *postgres) create(database string) (string, error) {
	return p.urlOf(database), p.run("createdb", "-h", p.folder, "-U", "postgres", database)
}

// logSegments is the size of the write-ahead log that the server begins with, in segments of 16 MB.
const logSegments = 48

// fillLog makes the server's write-ahead log as it is on one that has run for a while: its files are there and are used
// again. A new server fills each with zeros before it is written for the first time.
func (p *postgres) fillLog(socket string) error {
	fill := fmt.Sprintf(`DO $$ BEGIN FOR i IN 1..%d LOOP
		PERFORM pg_logical_emit_message(false, 'fill', ''); PERFORM pg_switch_wal(); END LOOP; END $$`, logSegments)
	return p.run("psql", "-h", socket, "-U", "postgres", "-d", "postgres", "-q", "-c", fill, "-c", "CHECKPOINT")
}

// own makes the folder. PostgreSQL does not run as root: there it runs as the user postgres.
func (p *postgres) own() error {
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return errors.Join(errNoPostgres, err)
	}
	uid, uidErr := strconv.ParseUint(who.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(who.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return err
	}
	p.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chmod(filepath.Dir(p.folder), 0o711); err != nil { // it must be able to enter
		return err
	}
	return os.Chown(p.folder, int(uid), int(gid))
}

func (p *postgres) run(program string, args ...string) error {
	cmd := exec.Command(filepath.Join(p.programs, program), args...)
	cmd.Dir = p.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.credential}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}

func (p *postgres) stop() error {
	return p.run("pg_ctl", "-D", p.folder+"/data", "-m", "immediate", "-w", "stop")
}
