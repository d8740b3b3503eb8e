package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/nsc-federation/nsc/internal/fault"
)

func TestErrorsOfPostgresMeanWhatItsManualSays(t *testing.T) {
	s := Store{engine: &postgresEngine}
	for code, want := range map[string]error{
		"23505": ErrExists, "23503": ErrNotFound,
		"08006": ErrUnavailable, "53100": ErrUnavailable, "53300": ErrUnavailable, "57P01": ErrUnavailable, "57014": ErrUnavailable,
		"58030": ErrUnavailable, "55P03": ErrUnavailable, "40P01": ErrUnavailable, "40001": ErrUnavailable, "25006": ErrUnavailable,
		"42601": nil, "23502": nil, "22021": nil,
	} {
		if got := known(s.classify(fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code}))); got != want {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
	}
}

func TestErrorsOfTheConnectionMeanUnavailable(t *testing.T) {
	s := Store{engine: &postgresEngine}
	for _, err := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, &net.OpError{Op: "read", Err: errors.New("reset")}, sql.ErrConnDone,
		context.DeadlineExceeded,
	} {
		if got := s.classify(fmt.Errorf("wrapped: %w", err)); !errors.Is(got, ErrUnavailable) || !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
	}
	for _, err := range []error{context.Canceled, errors.New("a bug")} {
		if known(s.classify(err)) != nil {
			t.Errorf("%v is a meaning of its own", err)
		}
	}
}

func TestErrorsHaveAPublicFaceAndKeepTheirCause(t *testing.T) {
	cause := errors.New("cause")
	for sentinel, code := range codes {
		err := named("operation", fmt.Errorf("%w: %w", sentinel, cause))
		if !errors.Is(err, sentinel) || !errors.Is(err, cause) || !fault.Is(err, code) {
			t.Errorf("%v", err)
		}
		if text := fault.From(err).Text(); text == "" || text == err.Error() {
			t.Errorf("%v tells a stranger %q", sentinel, text)
		}
	}
	if err := named("operation", cause); !errors.Is(err, cause) || !fault.Is(fault.From(err), fault.Internal) {
		t.Errorf("%v", err)
	}
}

// Only what is wrong with the database itself is trouble, though an engine's words may be behind another error, too.
func TestTroubleIsOfTheDatabase(t *testing.T) {
	refused := &pgconn.PgError{Severity: "FATAL", Code: "28P01", Message: "password authentication failed"}
	lost := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	for _, row := range []struct {
		err  error
		want string
	}{
		{named("open", fmt.Errorf("%w: %w", ErrUnavailable, errors.Join(lost, refused))), "password authentication failed"},
		{named("restore", fmt.Errorf("%w: %w", ErrUnavailable, lost)), "read tcp: connection reset by peer"},
		{fmt.Errorf("system workspace: %w", named("workspace", refused)), "password authentication failed"},
		{named("create user", fmt.Errorf("%w: %w", ErrExists, refused)), ""},
		{named("import", fmt.Errorf("%w: %w", ErrDamaged, refused)), ""},
		{named("import", errors.New("a bug")), ""},
		{fmt.Errorf("listen: %w", lost), ""},
		{nil, ""},
	} {
		if got := Trouble(row.err); got != row.want {
			t.Errorf("%v: %q, want %q", row.err, got, row.want)
		}
	}
}
