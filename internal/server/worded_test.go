package server

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/store/pgtest"
)

// each calls everything that works on the database of a configuration by itself.
func each(t *testing.T, c Config, check func(call string, err error)) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	key := filepath.Join(t.TempDir(), "key")
	_, bootstrapped := Bootstrap(ctx, c, BootstrapRequest{})
	_, exported := Export(ctx, c, io.Discard)
	_, restored := Restore(ctx, c)
	_, looked := Subject(ctx, c, SubjectRequest{Action: "export", Subject: "workspace/x/user/y"}, io.Discard)
	for call, err := range map[string]error{
		"server": Run(ctx, c, started(stop), discard), "bootstrap": bootstrapped, "export": exported, "restore": restored,
		"subject": looked, "reseal": Reseal(ctx, c, key),
	} {
		check(call, err)
	}
}

// started ends a server that has something to say: it should not have started.
type started func()

func (s started) Write(p []byte) (int, error) {
	s()
	return len(p), nil
}

// What is wrong with a database is said in one line, without the names of our packages, our codes or the engine's numbers,
// and what to do about it in another, whatever was to be done.
func TestTroubleWithTheDatabase(t *testing.T) {
	const restore = "restore it from a backup"
	const see = "see that PostgreSQL runs"
	const notWritten = "it must not be written"
	for rule, row := range map[string]struct {
		set  func(*testing.T, *Config)
		want string
		todo string
	}{
		"it is damaged":                {func(t *testing.T, c *Config) { damage(t, c.sqliteFile(), "installation") }, "nsc.db: database disk image is malformed", restore},
		"it is damaged elsewhere":      {func(t *testing.T, c *Config) { damage(t, c.sqliteFile(), "workspaces") }, "nsc.db: database disk image is malformed", restore},
		"it is something else":         {func(t *testing.T, c *Config) { put(t, c.sqliteFile(), strings.Repeat("junk ", 1000)) }, "nsc.db: file is not a database", restore},
		notWritten:                     {unwritable, "nsc.db: open ", restore},
		"its folder is not to be used": {func(_ *testing.T, c *Config) { c.DataDir = filepath.Join(c.sqliteFile(), "below") }, "not a directory", ""},
		"the password is wrong":        {func(t *testing.T, c *Config) { c.Database = refusing(t) }, `database: password authentication failed for user "nsc"`, see},
		"PostgreSQL is down": {func(_ *testing.T, c *Config) { c.Database = "postgres://nsc:secret@127.0.0.1:1/nsc" },
			"database: failed to connect to `user=nsc database=nsc`: 127.0.0.1:1 (127.0.0.1): dial error: dial tcp 127.0.0.1:1: connect: connection refused", see},
		"PostgreSQL has none of the name": {func(t *testing.T, c *Config) {
			c.Database = strings.Replace(pgtest.Database(t), "/test", "/none", 1)
		}, "does not exist", see},
	} {
		t.Run(rule, func(t *testing.T) {
			if rule == notWritten && os.Geteuid() == 0 {
				asNobody(t)
				return
			}
			c := serverConfig(t)
			if err := start(t, c).stop(); err != nil {
				t.Fatal(err)
			}
			row.set(t, &c)
			each(t, c, func(call string, err error) {
				if err == nil {
					t.Errorf("%s: was done", call)
					return
				}
				f := failure.From(err)
				if f.Status == failure.Misused && row.todo == restore || !strings.Contains(f.What, row.want) || !strings.Contains(f.Todo, row.todo) {
					t.Errorf("%s: %v; %q", call, err, f.Todo)
				}
				for _, no := range []string{"store:", "migrate", "internal:", "unavailable", "SQLSTATE", "(11)", "(26)", "secret", "http://admin", "\n"} {
					if strings.Contains(f.What, no) {
						t.Errorf("%s: %q has %q in it", call, f.What, no)
					}
				}
			})
		})
	}
}

// damage writes over a table's first page.
func damage(t *testing.T, file, table string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	var root, size int
	if err := db.QueryRow(`SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = $1`, table).Scan(&root, &size); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0x5a}, size), int64(root-1)*int64(size)); err != nil {
		t.Fatal(err)
	}
}

// asNobody runs a test once more as a user who may not write every file, as root does.
func asNobody(t *testing.T) {
	t.Helper()
	const nobody = 65534
	dir, err := os.MkdirTemp("", "nobody") // that of t.TempDir is within one that is not his to enter
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	top, sub, _ := strings.Cut(t.Name(), "/")
	again := exec.Command("/proc/self/exe", "-test.v", "-test.run", "^"+top+"$/^"+sub+"$") // whose folder is not nobody's to enter
	again.Dir, again.Env = dir, append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if output, err := again.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, output)
	}
}

// unwritable has the database be read only.
func unwritable(t *testing.T, c *Config) {
	t.Helper()
	if err := os.Chmod(c.sqliteFile(), 0o400); err != nil {
		t.Fatal(err)
	}
}

// refusing is a PostgreSQL server that has no TLS and takes no password.
func refusing(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			refuse(conn)
		}
	}()
	return "postgres://nsc:secret@" + l.Addr().String() + "/nsc"
}

func refuse(conn net.Conn) {
	defer conn.Close()
	server := pgproto3.NewBackend(conn, conn)
	for {
		message, err := server.ReceiveStartupMessage()
		if err != nil {
			return
		}
		if _, ok := message.(*pgproto3.SSLRequest); ok {
			if _, err := conn.Write([]byte{'N'}); err != nil {
				return
			}
			continue
		}
		server.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: `password authentication failed for user "nsc"`})
		_ = server.Flush()
		return
	}
}
