package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/metrics"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/rehearse"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/sts"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// parts is everything below HTTP, wired together.
type parts struct {
	store    *store.Store
	commits  *commits
	recorder *audit.Recorder
	rings    *keys.Rings
	rotator  *keys.Rotator
	notary   *keys.Notary
	cache    *workspace.Cache
	verifier *identity.Verifier
	tokens   *sts.Service
	manage   *manage.Service
	metrics  *metrics.Metrics
	refusals *refusal.Ring
	rehearse *rehearse.Service
	master   keys.Master
}

// openParts opens the database of a configuration, checks that it belongs to this base URL and this master key, and
// wires the parts. Key generation in the background ends with the context.
func openParts(ctx context.Context, c Config, baseURL string, now func() time.Time, log *slog.Logger) (*parts, error) {
	db, err := openStore(ctx, c, true)
	if err != nil {
		return nil, err
	}
	return openPartsOn(ctx, db, c, baseURL, now, log)
}

// openPartsOn does so on a database that is open, which is closed where it fails.
func openPartsOn(ctx context.Context, db *store.Store, c Config, baseURL string, now func() time.Time, log *slog.Logger) (*parts, error) {
	master, err := openInstallation(ctx, db, c, baseURL, now)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	p := &parts{store: db, master: master}
	p.wire(ctx, c, baseURL, master, now, log)
	if err := p.manage.EnsureSystem(ctx); err != nil {
		p.close()
		return nil, fmt.Errorf("system workspace: %w", err)
	}
	return p, nil
}

func (p *parts) wire(ctx context.Context, c Config, baseURL string, master keys.Master, now func() time.Time, log *slog.Logger) {
	exceptions, _ := c.exceptions() // Check has parsed them before
	p.metrics = metrics.New(func() time.Time { return p.cache.Confirmed() })
	p.commits = &commits{log: p.store, metrics: p.metrics, try: p.write}
	p.recorder = audit.NewRecorder(p.commits, now)
	p.rings = keys.Open(p.store, master, now)
	p.cache = workspace.NewCache(p.store, baseURL, p.rings.Forget)
	schedule := keys.Schedule{PublishAhead: c.PublishAhead, RotateEvery: c.RotateEvery}
	p.rotator = keys.NewRotator(p.store, p.recorder, keys.NewPool(ctx), master, schedule, now, p.cache.Forget)
	p.notary = keys.NewNotary(p.store, master, now)
	options := identity.Options{
		Own: p.rings, Local: p.local, Secrets: secrets{p.store}, Issuer: p.cache.Issuer, AllowLoopback: c.Dev, Exceptions: exceptions, Now: now, Log: log,
	}
	p.verifier = identity.Open(options)
	p.refusals = refusal.NewRing(p.store, p.metrics.RefusalsLost)
	p.tokens = sts.New(sts.Config{
		Workspaces: p.cache, Verifier: p.verifier, Recorder: p.recorder, Signer: p.rings, Opaques: keys.NewOpaques(p.store),
		Record: p.store, Refusals: p.refusals, Now: now, Log: log,
	})
	p.rehearse = rehearse.New(rehearse.Config{
		Workspaces: p.cache, Verifier: p.tokens, Store: p.store, Reach: identity.NewReach(options), Now: now,
	})
	p.manage = manage.New(manage.Config{
		Workspaces: p.store, Trusts: p.store, CutOffs: p.store, Revocables: p.store, Answers: p.store, Record: p.store, Logs: p.store, LogKeys: p.notary, Keys: p.store, Rotator: p.rotator, Entries: p.recorder,
		Issuer: p.cache.Issuer, Forget: p.cache.Forget, Reach: identity.NewReach(options), Now: now,
	})
}

// local finds the keys of an issuer that is a workspace of this installation: no call to ourselves is needed.
func (p *parts) local(issuer string) (func(context.Context) (jwt.KeySet, error), bool) {
	name, ours := p.cache.NameOf(issuer)
	if !ours {
		return nil, false
	}
	return func(ctx context.Context) (jwt.KeySet, error) {
		snapshot, err := p.cache.ByName(ctx, name)
		if err != nil {
			return jwt.KeySet{}, err
		}
		return p.rings.KeySet(ctx, snapshot.ID)
	}, true
}

// checkpointer returns what signs the checkpoints of the logs.
func (p *parts) checkpointer(log *slog.Logger) *audit.Checkpointer {
	return &audit.Checkpointer{Logs: p.store, Notary: p.notary, Issuer: p.cache.Issuer, Meter: p.metrics, Log: log}
}

// close records what waits and closes the database.
func (p *parts) close() error {
	p.recorder.Close()
	return p.store.Close()
}

// ready reports whether requests can be served.
func (p *parts) ready(ctx context.Context) error {
	if err := p.cache.Fresh(); err != nil {
		return err
	}
	if err := p.sealed(ctx); err != nil {
		return err
	}
	return p.commits.ready(ctx)
}

// write takes a lease that nobody else wants, and gives it up: two durable transactions that leave nothing.
func (p *parts) write(ctx context.Context) error {
	name := "readiness " + id.New(time.Now())
	_, err := p.store.AcquireLease(ctx, name, name, readyTimeout)
	if err == nil {
		err = p.store.ReleaseLease(ctx, name, name)
	}
	return err
}

// sealed asks the database, and returns an error where it does not answer, or where the keys in it are sealed with another
// master key than this node's: then it signs nothing any more.
func (p *parts) sealed(ctx context.Context) error {
	installed, err := p.store.Installation(ctx)
	if err == nil && !p.master.Fits(installed.SealCheck) {
		err = errors.New("the keys in the database are sealed with another master key than this node's: stop it, and name the right one with master_key_file")
	}
	return err
}

// secrets finds tokens by their secrets.
type secrets struct{ *store.Store }

// Revocable returns a registered token as a verifier needs it.
func (s secrets) Revocable(ctx context.Context, hash []byte) (identity.Registered, error) {
	t, err := s.Store.Revocable(ctx, hash)
	if err != nil {
		return identity.Registered{}, err
	}
	r := identity.Registered{
		ID: t.ID, WorkspaceID: t.WorkspaceID, Workspace: t.Workspace, IssuedAt: t.RefreshedAt, ExpiresAt: t.ExpiresAt, Version: t.Version,
	}
	return r, json.Unmarshal(t.Grants, &r.Permissions)
}

func (c Config) exceptions() ([]identity.Exception, error) {
	var list []identity.Exception
	for i, r := range c.Issuers {
		prefix, err := netip.ParsePrefix(r.CIDR)
		if err != nil {
			return nil, fmt.Errorf("reachable_issuers[%d].cidr: %q is not a network like 10.0.0.0/8", i, r.CIDR)
		}
		if workspace.CheckName(r.Workspace) != nil {
			return nil, fmt.Errorf("reachable_issuers[%d].workspace: %q is not a workspace's name", i, r.Workspace)
		}
		list = append(list, identity.Exception{Workspace: r.Workspace, Prefix: prefix, Port: r.Port})
	}
	return list, nil
}

// openInstallation returns the master key, after it compared what the database was made with: an installation keeps
// its base URL, which is in every token, and its master key (rule 30).
func openInstallation(ctx context.Context, db *store.Store, c Config, baseURL string, now func() time.Time) (keys.Master, error) {
	installed, err := db.Installation(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return install(ctx, db, c, baseURL, now)
	}
	if err != nil {
		return keys.Master{}, fmt.Errorf("database: %w", err)
	}
	if installed.BaseURL != baseURL {
		return keys.Master{}, fmt.Errorf("this installation's base URL is %s, not %s: it is part of every issuer and cannot change; start with --base-url %s (or the --listen that gave it)",
			installed.BaseURL, baseURL, installed.BaseURL)
	}
	master, err := keys.LoadMaster(c.masterKeyFile())
	if errors.Is(err, os.ErrNotExist) {
		return master, fmt.Errorf("the master key file %s is missing, and the database holds keys that only it opens: restore it from your backup, or name it with master_key_file", c.masterKeyFile())
	}
	if err != nil {
		return master, err
	}
	if !master.Fits(installed.SealCheck) {
		return master, fmt.Errorf("the master key in %s is not the one of this database: restore the right one, or name it with master_key_file", c.masterKeyFile())
	}
	return master, nil
}

// install makes a database an installation. A master key is generated only here, where nothing is sealed yet.
func install(ctx context.Context, db *store.Store, c Config, baseURL string, now func() time.Time) (keys.Master, error) {
	master, err := keys.LoadMaster(c.masterKeyFile())
	if errors.Is(err, os.ErrNotExist) {
		master, err = keys.CreateMaster(c.masterKeyFile())
	}
	if err != nil {
		return master, err
	}
	err = db.CreateInstallation(ctx, store.Installation{BaseURL: baseURL, CreatedAt: now(), SealCheck: master.Check()})
	if errors.Is(err, store.ErrExists) { // another node was first
		return openInstallation(ctx, db, c, baseURL, now)
	}
	return master, err
}
