package storetest

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// things are what a call is about: the workspace that it names, and what it asks for there.
type things struct {
	workspaceID string
	name        string // of a workspace
	trust       policy.Trust
	user        workspace.User
	key         keys.Stored
	cutOff      workspace.CutOff
	revocable   workspace.Revocable
	event       audit.Entry
	lease       string
	refusal     string // ID
}

// every is each method of the store, called in a workspace for what is or is not there. It returns what was read.
var every = map[string]func(context.Context, *store.Store, things) (any, error){
	"WorkspaceByName": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.WorkspaceByName(c, x.name)
	},
	"WorkspaceByID": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.WorkspaceByID(c, x.workspaceID)
	},
	"CreateWorkspace": func(c context.Context, s *store.Store, x things) (any, error) {
		w := workspace.Workspace{ID: id.New(now), Name: "new" + x.name}
		return s.CreateWorkspace(c, w, nil, nil, []policy.Trust{x.trust}, x.event)
	},
	"Trust": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Trust(c, x.workspaceID, x.trust.ID)
	},
	"Trusts": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Trusts(c, x.workspaceID, "", 0)
	},
	"TrustsByIssuer": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.TrustsByIssuer(c, x.workspaceID, x.trust.Issuer)
	},
	"Issuers": func(c context.Context, s *store.Store, x things) (any, error) { return s.Issuers(c, x.workspaceID) },
	"Authority": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Authority(c, x.workspaceID, x.trust.ID)
	},
	"CreateTrust": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateTrust(c, x.trust, x.event)
	},
	"UpdateTrust": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.UpdateTrust(c, x.trust, x.trust.Revision, x.event)
	},
	"DeleteTrust": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.DeleteTrust(c, x.workspaceID, x.trust.ID, 0, x.event)
	},
	"User": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.User(c, x.workspaceID, x.user.ID)
	},
	"Users": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Users(c, x.workspaceID, "", 0)
	},
	"CreateUser": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateUser(c, x.user, x.event)
	},
	"Keys": func(c context.Context, s *store.Store, x things) (any, error) { return s.Keys(c, x.workspaceID) },
	"AddKey": func(c context.Context, s *store.Store, x things) (any, error) {
		next := key(x.workspaceID, jwt.ES256, now)
		return nil, s.AddKey(c, next, []keys.Stored{x.key}, x.event)
	},
	"DeleteKey": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.DeleteKey(c, x.workspaceID, x.key.ID, x.event)
	},
	"Append": func(c context.Context, s *store.Store, x things) (any, error) {
		x.event.Generation = 1 << 40 // no workspace's
		outcomes, err := s.Append(c, []audit.Entry{x.event})
		if err == nil && outcomes[0].Verdict == audit.Moved {
			return nil, nil
		}
		return outcomes, err
	},
	"Search": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Search(c, audit.Query{WorkspaceID: x.workspaceID})
	},
	"Count": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Count(c, audit.Query{WorkspaceID: x.workspaceID})
	},

	"CutOffs": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.CutOffs(c, x.workspaceID, "", 0)
	},
	"Cuts": func(c context.Context, s *store.Store, x things) (any, error) {
		cuts, err := s.Cuts(c, x.workspaceID)
		return len(cuts.Subjects) + len(cuts.Issuers), err
	},
	"TokenCut": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.TokenCut(c, x.workspaceID, x.cutOff.Value)
	},
	"CreateCutOff": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateCutOff(c, x.cutOff, x.event)
	},
	"DeleteCutOff": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.DeleteCutOff(c, x.workspaceID, x.cutOff.ID, x.event)
	},

	"Answer": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Answer(c, x.workspaceID, answer("key "+x.cutOff.ID, "").Key, now)
	},

	"LogHead": func(c context.Context, s *store.Store, x things) (any, error) { return s.LogHead(c, x.workspaceID) },
	"LogEntries": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.LogEntries(c, x.workspaceID, 0, 0, 0)
	},
	"LogHashes": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.LogHashes(c, x.workspaceID, []int64{0})
	},
	"LogKey": func(c context.Context, s *store.Store, x things) (any, error) { return s.LogKey(c, x.workspaceID) },
	"CreateLogKey": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateLogKey(c, keys.LogKey{WorkspaceID: x.workspaceID})
	},
	"KeepCheckpoints": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.KeepCheckpoints(c, []audit.LogHead{{WorkspaceID: x.workspaceID, Checkpoint: "\x00"}})
	},
	"Unpublished": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Unpublished(c, audit.Unpublished{Place: x.lease, Limit: 1})
	},
	"Cosignatures": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Cosignatures(c, x.workspaceID)
	},
	"KeepCosignature": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.KeepCosignature(c, audit.Cosignature{WorkspaceID: x.workspaceID, Witness: x.lease, Size: 1})
	},
	"KeepPublications": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.KeepPublications(c, x.lease, []audit.LogHead{{WorkspaceID: "none"}})
	},
	"EraseEvents": func(c context.Context, s *store.Store, _ things) (any, error) {
		return s.EraseEvents(c, now.Add(-time.Hour), 1)
	},
	"UnsignedLogs": func(c context.Context, s *store.Store, _ things) (any, error) { return s.UnsignedLogs(c, 1) },
	"AddRefusals": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.AddRefusals(c, []refusal.Refusal{refused(x.workspaceID, now, true)})
	},
	"Refusal": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Refusal(c, x.workspaceID, x.refusal)
	},
	"VerifiedRefusals": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.VerifiedRefusals(c, x.workspaceID, time.Time{}, time.Time{})
	},

	"Installation": func(c context.Context, s *store.Store, _ things) (any, error) { return s.Installation(c) },
	"WholeSince":   func(c context.Context, s *store.Store, _ things) (any, error) { return s.WholeSince(c) },
	"CreateInstallation": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateInstallation(c, store.Installation{BaseURL: x.name})
	},
	"Workspaces":  func(c context.Context, s *store.Store, x things) (any, error) { return s.Workspaces(c, x.name, 0) },
	"Generations": func(c context.Context, s *store.Store, _ things) (any, error) { return s.Generations(c, 0) },
	"RotationDue": func(c context.Context, s *store.Store, _ things) (any, error) { return s.RotationDue(c, now, 1) },
	"KeysGone":    func(c context.Context, s *store.Store, _ things) (any, error) { return s.KeysGone(c, now, 1) },
	"Export":      func(c context.Context, s *store.Store, _ things) (any, error) { return s.Export(c, io.Discard) },
	"Import": func(c context.Context, s *store.Store, _ things) (any, error) {
		return s.Import(c, strings.NewReader(""), anybody, arrived)
	},
	"Restore": func(c context.Context, s *store.Store, _ things) (any, error) {
		return s.Restore(c, func(workspaceID string, alg jwt.Algorithm) (keys.Stored, error) {
			return key(workspaceID, alg, now), nil
		}, begun)
	},
	"EachEvent": func(c context.Context, s *store.Store, x things) (any, error) {
		var found []audit.Entry
		err := s.EachEvent(c, x.workspaceID, func(e audit.Entry) error {
			found = append(found, e)
			return nil
		})
		return found, err
	},
	"RefusalsWhere": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.RefusalsWhere(c, x.workspaceID, func(refusal.Refusal) bool { return true })
	},
	"DeleteRefusals": func(c context.Context, s *store.Store, _ things) (any, error) {
		return nil, s.DeleteRefusals(c, nil)
	},
	"EraseOf": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.EraseOf(c, x.workspaceID, func(audit.Entry) bool { return false }, func(int) audit.Entry { return x.event })
	},
	"Reseal": func(c context.Context, s *store.Store, _ things) (any, error) {
		return nil, s.Reseal(c, store.Resealing{
			Key:    func(k keys.Stored) ([]byte, error) { return k.Sealed, nil },
			LogKey: func(k keys.LogKey) ([]byte, error) { return k.Sealed, nil },
		}, nil)
	},
	"Pending":      func(c context.Context, s *store.Store, _ things) (any, error) { return s.Pending(c) },
	"SweepCutOffs": func(c context.Context, s *store.Store, _ things) (any, error) { return s.SweepCutOffs(c, now, 1) },
	"CreateOpaque": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateOpaque(c, x.workspaceID, []byte(x.event.ID), []byte("{}"), now)
	},
	"Opaque":      func(c context.Context, s *store.Store, _ things) (any, error) { return s.Opaque(c, []byte("unknown")) },
	"SweepOpaque": func(c context.Context, s *store.Store, _ things) (any, error) { return s.SweepOpaque(c, now, 1) },
	"Revocable": func(c context.Context, s *store.Store, _ things) (any, error) {
		return s.Revocable(c, []byte("unknown"))
	},
	"RevocableByID": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.RevocableByID(c, x.workspaceID, x.revocable.ID)
	},
	"Revocables": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.Revocables(c, x.workspaceID, "", 0)
	},
	"CreateRevocable": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.CreateRevocable(c, x.revocable, x.event)
	},
	"RefreshRevocable": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.RefreshRevocable(c, x.revocable, x.event)
	},
	"DeleteRevocable": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.DeleteRevocable(c, x.workspaceID, x.revocable.ID, x.event)
	},
	"SweepAnswers": func(c context.Context, s *store.Store, _ things) (any, error) { return s.SweepAnswers(c, now, 1) },
	"Sequence":     func(c context.Context, s *store.Store, _ things) (any, error) { return s.Sequence(c, 1) },
	"SweepUses":    func(c context.Context, s *store.Store, _ things) (any, error) { return s.SweepUses(c, now, 1) },
	"AcquireLease": func(c context.Context, s *store.Store, x things) (any, error) {
		return s.AcquireLease(c, x.lease, "holder", time.Hour)
	},
	"ReleaseLease": func(c context.Context, s *store.Store, x things) (any, error) {
		return nil, s.ReleaseLease(c, x.lease, "holder")
	},
	"CountRefusals": func(c context.Context, s *store.Store, _ things) (any, error) { return s.CountRefusals(c) },
	"SweepRefusals": func(c context.Context, s *store.Store, _ things) (any, error) { return s.SweepRefusals(c, now, 1) },
	"Ping":          func(c context.Context, s *store.Store, _ things) (any, error) { return nil, s.Ping(c) },
}

// wholeInstallation are the methods that are about no one workspace, and whether they take text.
var wholeInstallation = map[string]bool{
	"Installation": false, "WholeSince": false, "CreateInstallation": true, "Workspaces": true, "Generations": false, "RotationDue": false, "KeysGone": false,
	"Export": false, "Import": false, "Reseal": false, "Restore": false, "DeleteRefusals": false, "Pending": false, "Sequence": false,
	"SweepUses": false, "SweepCutOffs": false, "SweepAnswers": false, "SweepOpaque": false, "Opaque": false,
	"Revocable": false, "UnsignedLogs": false, "AcquireLease": true, "ReleaseLease": true, "Ping": false,
	"Unpublished": true, "KeepPublications": true, "EraseEvents": false, "CountRefusals": false, "SweepRefusals": false,
}

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
