package storetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// fills are those that rightly find or fill a workspace that exists, whoever's it is.
var fills = []string{"CreateTrust", "CreateCutOff", "CreateRevocable", "CreateOpaque", "AddRefusals", "CreateUser", "CreateWorkspace", "WorkspaceByID", "CreateLogKey"}

var calls = map[string]func(*lab){
	"no method is forgotten here": func(l *lab) {
		methods := reflect.TypeFor[*store.Store]()
		for i := range methods.NumMethod() {
			if name := methods.Method(i).Name; every[name] == nil && name != "Close" {
				l.Errorf("%s is not tested with the wrong workspace", name)
			}
		}
	},

	"SecurityCrossTenant: every method finds nothing with the wrong workspace, and changes nothing": func(l *lab) {
		x := l.furnished()
		x.name = "unknown"
		for _, foreign := range []string{l.two.ID, id.New(now)} {
			x.workspaceID, x.cutOff.WorkspaceID, x.revocable.WorkspaceID = foreign, foreign, foreign
			x.trust.WorkspaceID, x.key.WorkspaceID, x.user.WorkspaceID = foreign, foreign, foreign
			x.event = event(foreign, "x")
			before := l.contents()
			for name, call := range every {
				_, whole := wholeInstallation[name]
				if whole || foreign == l.two.ID && slices.Contains(fills, name) {
					continue
				}
				got, err := call(l.ctx, l.Store, x)
				l.nothing(name, got, err)
			}
			equal(l, l.contents(), before)
		}
	},

	"rule 22: a change whose caller was found entitled under another generation writes nothing": func(l *lab) {
		x := l.furnished()
		moved := l.generation(l.one)
		before := l.contents()
		for name, call := range changes(l) {
			x.event.Generation = moved - 1
			_, err := call(l.ctx, l.Store, x)
			var stale *audit.MovedError
			if !errors.As(err, &stale) || stale.WorkspaceID != l.one.ID || !errors.Is(err, audit.ErrMoved) || !fault.Is(err, fault.Unavailable) {
				l.Errorf("%s: %v", name, err)
			}
			equal(l, l.generation(l.one), moved)
		}
		equal(l, l.contents(), before)
		for name, call := range changes(l) {
			x := l.furnished()
			x.event = event(l.one.ID, "x")
			x.event.Generation = l.generation(l.one)
			x.name = strings.ToLower(name)
			_, err := call(l.ctx, l.Store, x)
			if errors.Is(err, audit.ErrMoved) {
				l.Errorf("%s in time: %v", name, err)
			}
		}
	},

	"text that an engine cannot keep is refused, or unknown": func(l *lab) {
		for _, text := range []string{"a\x00b", "\xff", strings.Repeat("x", 5000) + "\x00"} {
			x := l.furnished()
			x.workspaceID, x.name, x.lease = text, text, text
			x.trust.ID, x.user.ID, x.key.ID, x.cutOff.ID, x.revocable.ID = text, text, text, text, text
			before := l.contents()
			for name, call := range every {
				text, whole := wholeInstallation[name]
				if whole && !text {
					continue
				}
				got, err := call(l.ctx, l.Store, x)
				l.nothing(name, got, err)
			}
			equal(l, l.contents(), before)
		}
	},

	"text inside of JSON is refused like any other": func(l *lab) {
		for name, spoil := range map[string]func(*policy.Trust){
			"mapping":     func(t *policy.Trust) { t.Mappings = map[string]string{"groups": "\x00"} },
			"mapped":      func(t *policy.Trust) { t.Mappings = map[string]string{"\xff": ""} },
			"action":      func(t *policy.Trust) { t.Grants = []identity.Permission{{Actions: []string{"\xff"}}} },
			"resource":    func(t *policy.Trust) { t.Grants = []identity.Permission{{ResourceID: "\x00"}} },
			"key source":  func(t *policy.Trust) { t.KeySource.JWKS = "\xff" },
			"description": func(t *policy.Trust) { t.Description = "\x00" },
			"long issuer": func(t *policy.Trust) { t.Issuer = strings.Repeat("x", 5000) },
		} {
			t := trust(l.one.ID)
			spoil(&t)
			l.Log(name)
			l.is(l.CreateTrust(l.ctx, t, event(l.one.ID, "x")), store.ErrInvalid)
		}
	},

	"no method answers a caller that gave up": func(l *lab) {
		x := l.furnished()
		ctx, cancel := context.WithCancel(l.ctx)
		cancel()
		before := l.contents()
		for name, call := range every {
			_, err := call(ctx, l.Store, x)
			l.Log(name)
			l.is(err, context.Canceled)
		}
		equal(l, l.contents(), before)
	},
}

// changes are the methods that put entries on the record with what they write.
func changes(l *lab) map[string]func(context.Context, *store.Store, things) (any, error) {
	l.Helper()
	found := map[string]func(context.Context, *store.Store, things) (any, error){}
	methods := reflect.TypeFor[*store.Store]()
	for i := range methods.NumMethod() {
		m := methods.Method(i)
		for in := range m.Type.Ins() {
			one := in == reflect.TypeFor[audit.Entry]()
			several := in == reflect.TypeFor[[]audit.Entry]() && m.Name != "Append" && m.Name != "Reseal" // nobody's, or one verdict each
			if one || several {
				found[m.Name] = every[m.Name]
			}
		}
	}
	if len(found) < 12 {
		l.Fatalf("only %d methods are found", len(found))
	}
	return found
}

// Unavailable checks that every method says so where the database does not answer.
func Unavailable(t *testing.T, s *store.Store) {
	t.Helper()
	workspaceID := id.New(now)
	x := things{
		workspaceID: workspaceID, name: "name", trust: trust(workspaceID), user: user(workspaceID), key: key(workspaceID, jwt.ES256, now),
		cutOff: cutOff(workspaceID, workspace.CutToken, "jti"), event: event(workspaceID, "x"), lease: "lease",
		revocable: revocable(workspaceID), refusal: id.New(now),
	}
	for name, call := range every {
		if _, err := call(t.Context(), s, x); !errors.Is(err, store.ErrUnavailable) || !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// furnished puts one of everything into the first workspace.
func (l *lab) furnished() things {
	l.Helper()
	x := things{
		workspaceID: l.one.ID, name: l.one.Name, lease: "lease",
		trust: trust(l.one.ID), user: user(l.one.ID), key: key(l.one.ID, jwt.ES256, now), event: event(l.one.ID, "x"),
		cutOff: cutOff(l.one.ID, workspace.CutToken, id.New(now)), revocable: revocable(l.one.ID),
	}
	l.trust(x.trust)
	l.must(l.CreateUser(l.ctx, x.user, event(l.one.ID, "x")))
	l.must(l.AddKey(l.ctx, x.key, nil, event(l.one.ID, "x")))
	l.must(l.CreateRevocable(l.ctx, x.revocable, event(l.one.ID, "x")))
	r := refused(l.one.ID, now, true)
	x.refusal = r.ID
	l.must(l.AddRefusals(l.ctx, []refusal.Refusal{r}))
	l.must(l.CreateCutOff(l.ctx, x.cutOff, answered(l.one.ID, now, answer("key "+x.cutOff.ID, "body"))))
	return x
}

// nothing checks that a call found nothing, or refused.
func (l *lab) nothing(name string, got any, err error) {
	l.Helper()
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrInvalid):
	case err != nil:
		l.Errorf("%s: %v", name, err)
	case got != nil && !reflect.ValueOf(got).IsZero():
		l.Errorf("%s found %+v", name, got)
	case got == nil && name != "Append":
		l.Errorf("%s was accepted", name)
	}
}

// contents is all that can be read of both workspaces.
func (l *lab) contents() map[[2]string]any {
	l.Helper()
	all := map[[2]string]any{} // by workspace and what was called
	for _, w := range []workspace.Workspace{l.one, l.two} {
		x := things{workspaceID: w.ID}
		for _, name := range []string{"WorkspaceByID", "Trusts", "Users", "Keys", "CutOffs", "Revocables", "Cosignatures", "Search"} {
			got, err := every[name](l.ctx, l.Store, x)
			l.must(err)
			all[[2]string{w.Name, name}] = got
		}
	}
	return all
}
