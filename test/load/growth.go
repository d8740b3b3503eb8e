package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite"
)

// growth is how the cost of an exchange changed with the size of an installation.
type growth struct {
	of        string
	few, many int
	pairs     []pair // the small installation in the floor's place
}

const fewTrusts = 10

// grown is an installation with a tenant for each of the things that can be many.
type grown struct {
	few, trusts, issuers, conditions *tenant
	used                             []*tenant
}

// measureGrowth compares an exchange where there is little with one where there is much, in the same server, in turns.
func (l *lab) measureGrowth(r *report) error {
	if !l.grown {
		return nil
	}
	server, err := startNSC(l.nsc, filepath.Join(l.folder, "growth"), "", 0)
	if err != nil {
		return err
	}
	l.closes = append(l.closes, func() error { server.kill(); return nil })
	g, err := l.furnish(server)
	if err != nil {
		return err
	}
	if err := l.grow(server, g); err != nil {
		return err
	}
	s := l.scale
	few := func(i int) (*tenant, token) { return g.few, g.few.job(i % fewTrusts) }
	for _, size := range []struct {
		of        string
		few, many int
		pick      func(i int) (*tenant, token)
	}{
		{"trusts of a workspace", fewTrusts, s.trusts, func(i int) (*tenant, token) { return g.trusts, g.trusts.job(i * 7919 % s.trusts) }},
		{"issuers of a workspace", 1, s.issuers, func(i int) (*tenant, token) {
			t := g.issuers.job(0)
			t.issuer = issuerName(i % s.issuers)
			return g.issuers, t
		}},
		{
			fmt.Sprintf("workspaces, of which %d issue", s.used), 1, s.workspaces,
			func(i int) (*tenant, token) { t := g.used[i%len(g.used)]; return t, t.job(0) },
		},
	} {
		found := growth{of: size.of, few: size.few, many: size.many}
		if found.pairs, err = l.turns(server, few, size.pick); err != nil {
			return fmt.Errorf("%s: %w", size.of, err)
		}
		r.growth = append(r.growth, found)
	}
	return l.measureConditions(r, server, g)
}

// turns runs pairs of a small and a large part of the same server.
func (l *lab) turns(server *nsc, small, large func(i int) (*tenant, token)) ([]pair, error) {
	var pairs []pair
	for i := range l.pairs + 1 { // the first warms up
		var p pair
		var err error
		if p.floor, err = l.exchange(server, small); err != nil {
			return nil, err
		}
		if p.nsc, err = l.exchange(server, large); err != nil {
			return nil, err
		}
		if i > 0 {
			pairs = append(pairs, p)
		}
	}
	return pairs, nil
}

func (l *lab) exchange(server *nsc, pick func(i int) (*tenant, token)) (figure, error) {
	n := l.scale.requests(workloads[0])
	tokens, err := l.issuer.tokens(n, func(i int) token { _, t := pick(i); return t })
	if err != nil {
		return figure{}, err
	}
	return l.cost(l.ctx, server.url, server.cpu, each(n, func(i int) request {
		t, _ := pick(i)
		return (&fixture{tenant: t}).exchange(tokens[i], typeJWT, nil)
	}))
}

// measureConditions tells how much more memory it takes when many trusts with conditions are in use.
func (l *lab) measureConditions(r *report, server *nsc, g *grown) error {
	server.kill()
	if err := server.start(); err != nil {
		return err
	}
	for _, step := range []struct {
		pick func(i int) (*tenant, token)
		size *int64
	}{
		{func(i int) (*tenant, token) { return g.few, g.few.job(i % fewTrusts) }, &r.rest.cold},
		{func(i int) (*tenant, token) { return g.conditions, g.conditions.job(i % l.scale.conditioned) }, &r.rest.warm},
	} {
		if _, err := l.exchange(server, step.pick); err != nil {
			return err
		}
		// A profile of the heap with gc=1 collects first, so that what is compared is what is in use. After the first time Go
		// keeps as much memory as the heap had grown to, after the second as it had been collected to.
		for range 2 {
			if _, err := server.admin(l.ctx, "GET", "/debug/pprof/heap?gc=1", nil); err != nil {
				return err
			}
		}
		time.Sleep(l.scale.rest)
		var err error
		if *step.size, err = resident(server.cmd.Process.Pid); err != nil {
			return err
		}
	}
	r.rest.trusts = l.scale.conditioned
	return nil
}

// job describes a token for the trust of a number.
func (t *tenant) job(n int) token {
	return token{algorithm: "ES256", subject: subjectOf(n), audience: t.issuer}
}

func subjectOf(n int) string { return fmt.Sprintf("repo:acme/service-%d:ref:refs/heads/main", n) }

func issuerName(n int) string { return fmt.Sprintf("https://issuer-%d.load.example", n) }

// furnish creates the tenants by the API, each with one trust to be multiplied.
func (l *lab) furnish(server *nsc) (*grown, error) {
	g := &grown{}
	for name, t := range map[string]**tenant{"few": &g.few, "trusts": &g.trusts, "issuers": &g.issuers, "conditions": &g.conditions} {
		var err error
		if *t, err = l.trusting(server, name); err != nil {
			return nil, err
		}
	}
	for n := range l.scale.used {
		t, err := l.trusting(server, fmt.Sprintf("used-%d", n))
		if err != nil {
			return nil, err
		}
		g.used = append(g.used, t)
	}
	return g, nil
}

func (l *lab) trusting(server *nsc, name string) (*tenant, error) {
	t, err := server.tenant(l.ctx, name)
	if err == nil {
		_, err = t.trust(l.ctx, l.issuer, l.issuer.name, subjectOf(0), "")
	}
	return t, err
}

// grow stops the server, multiplies what is in its database, and starts it again. The database is filled by hand: a
// hundred thousand calls would measure something else.
func (l *lab) grow(server *nsc, g *grown) error {
	if err := server.stop(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(server.folder, "nsc.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(l.ctx, nil)
	if err != nil {
		return err
	}
	for _, fill := range []struct {
		tenant *tenant
		n      int
		change func(n int) (issuer, subject, condition string)
	}{
		{g.few, fewTrusts, func(n int) (string, string, string) { return l.issuer.name, subjectOf(n), "" }},
		{g.trusts, l.scale.trusts, func(n int) (string, string, string) { return l.issuer.name, subjectOf(n), "" }},
		{g.issuers, l.scale.issuers, func(n int) (string, string, string) { return issuerName(n), subjectOf(0), "" }},
		{g.conditions, l.scale.conditioned, func(n int) (string, string, string) {
			return l.issuer.name, subjectOf(n), fmt.Sprintf(`claims.run_number != "%d" && claims.environment == "production"`, n+1000)
		}},
	} {
		if err := multiply(l.ctx, tx, fill.tenant.name, fill.n, fill.change); err != nil {
			return err
		}
	}
	if err := multiplyWorkspaces(l.ctx, tx, l.scale.workspaces-l.scale.used); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "the installation has grown")
	return server.start()
}

// multiply makes n trusts of the one that a workspace has.
func multiply(ctx context.Context, tx *sql.Tx, workspace string, n int, change func(n int) (issuer, subject, condition string)) error {
	values, err := columns(ctx, tx, map[string]string{"id": "$1", "issuer": "$2", "subject_match": "$3", "condition": "$4"})
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO trusts SELECT `+values+
		` FROM trusts t JOIN workspaces w ON w.id = t.workspace_id WHERE w.name = $5 AND t.id = $6`)
	if err != nil {
		return err
	}
	defer insert.Close()
	var first string
	err = tx.QueryRowContext(ctx, `SELECT t.id FROM trusts t JOIN workspaces w ON w.id = t.workspace_id
		WHERE w.name = $1 AND t.subject_match = $2`, workspace, subjectOf(0)).Scan(&first)
	if err != nil {
		return err
	}
	for i := range n {
		issuer, subject, condition := change(i)
		if _, err := insert.ExecContext(ctx, newID(), issuer, subject, condition, workspace, first); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM trusts WHERE id = $1`, first)
	return err
}

// columns returns the columns of a trust, whichever the schema has by now, with other values for some of them.
func columns(ctx context.Context, tx *sql.Tx, others map[string]string) (string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM trusts LIMIT 0`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	names, err := rows.Columns()
	for i, name := range names {
		names[i] = "t." + name
		if value, ok := others[name]; ok {
			names[i] = value
		}
	}
	return strings.Join(names, ", "), errors.Join(err, rows.Close())
}

// multiplyWorkspaces adds workspaces that issue nothing.
func multiplyWorkspaces(ctx context.Context, tx *sql.Tx, count int) error {
	insert, err := tx.PrepareContext(ctx, `INSERT INTO workspaces (id, name, created_at, created_by, deleted_at, generation)
		SELECT $1, $2, created_at, created_by, 0, generation FROM workspaces WHERE name = 'few'`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for n := range count {
		if _, err := insert.ExecContext(ctx, newID(), fmt.Sprintf("quiet-%d", n)); err != nil {
			return err
		}
	}
	return nil
}

// newID returns an identifier in the form of nsc's.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding).EncodeToString(b[:])
}

func (r *report) growing(b *bytes.Buffer) {
	if len(r.growth) == 0 {
		return
	}
	b.WriteString("## Growth\n\nAn exchange where there is much beside one where there is little, in the same server, in turns. SQLite.\n\n")
	b.WriteString("| of | from | to | CPU µs | CPU µs | median of ratios | at most | |\n|---|---|---|---|---|---|---|---|\n")
	for _, g := range r.growth {
		x := result{pairs: g.pairs}
		fmt.Fprintf(b, "| %s | %d | %d | %.1f | %.1f | %.2f | 1.2 | %s |\n", g.of, g.few, g.many,
			x.median(func(p pair) float64 { return micros(p.floor.cost) }), x.median(func(p pair) float64 { return micros(p.nsc.cost) }),
			x.ratio(), reached(x.ratio() <= 1.2))
	}
	b.WriteString("\n")
}
