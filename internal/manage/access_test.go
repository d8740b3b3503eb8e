package manage_test

import (
	"context"
	"encoding/json"
	"fmt"
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
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// calls are the methods of the service, each with the grant that it asks for. What they are about does not exist.
var calls = map[string]struct {
	noun, action string
	call         func(*lab, identity.Identity) error
}{
	"ListTrusts": {"trust", "read", func(l *lab, who identity.Identity) error {
		_, err := l.ListTrusts(l.Context(), who, "", 0)
		return err
	}},
	"Trust": {"trust", "read", func(l *lab, who identity.Identity) error {
		_, err := l.Trust(l.Context(), who, "x")
		return err
	}},
	"AddTrust": {"trust", "write", func(l *lab, who identity.Identity) error {
		_, _, err := l.AddTrust(l.Context(), who, trust(grants()), address)
		return err
	}},
	"UpdateTrust": {"trust", "write", func(l *lab, who identity.Identity) error {
		_, _, err := l.UpdateTrust(l.Context(), who, "x", 0, change(func(*policy.Trust) {}), address)
		return err
	}},
	"RemoveTrust": {"trust", "write", func(l *lab, who identity.Identity) error {
		return l.RemoveTrust(l.Context(), who, "x", 0, address)
	}},
	"CutOff of a trust": {"trust", "write", func(l *lab, who identity.Identity) error {
		_, err := l.CutOff(l.Context(), who, manage.Target{Trust: "x"}, address)
		return err
	}},
	"CutOff of a subject": {"token", "write", func(l *lab, who identity.Identity) error {
		_, err := l.CutOff(l.Context(), who, manage.Target{Issuer: issuer, Subject: "x"}, address)
		return err
	}},
	"ListCutOffs": {"token", "read", func(l *lab, who identity.Identity) error {
		_, err := l.ListCutOffs(l.Context(), who, "", 0)
		return err
	}},
	"LiftCutOff": {"token", "admin", func(l *lab, who identity.Identity) error {
		return l.LiftCutOff(l.Context(), who, "x", address)
	}},
	"ListKeys": {"key", "read", func(l *lab, who identity.Identity) error {
		_, err := l.ListKeys(l.Context(), who)
		return err
	}},
	"RotateKeys": {"key", "write", func(l *lab, who identity.Identity) error {
		_, err := l.RotateKeys(l.Context(), who, manage.Rotation{Algorithm: jwt.ES256}, address)
		return err
	}},
	"SearchRecord": {"record", "read", func(l *lab, who identity.Identity) error {
		_, _, err := l.SearchRecord(l.Context(), who, audit.Query{})
		return err
	}},
	"CountRecord": {"record", "read", func(l *lab, who identity.Identity) error {
		_, err := l.CountRecord(l.Context(), who, audit.Query{})
		return err
	}},
	"ListWorkspaces": {"workspace", "read", func(l *lab, who identity.Identity) error {
		_, err := l.ListWorkspaces(l.Context(), who, "", 0)
		return err
	}},
	"ListRevocables": {"token", "read", func(l *lab, who identity.Identity) error {
		_, err := l.ListRevocables(l.Context(), who, "", 0)
		return err
	}},
	"Revocable": {"token", "read", func(l *lab, who identity.Identity) error {
		_, err := l.Revocable(l.Context(), who, "x")
		return err
	}},
	"LastingCutOff": {"token", "read", func(l *lab, who identity.Identity) error {
		_, err := l.LastingCutOff(l.Context(), who, "x")
		return err
	}},
	"RefreshRevocable": {"token", "write", func(l *lab, who identity.Identity) error {
		_, err := l.RefreshRevocable(l.Context(), who, "x", 0, 0, address)
		return err
	}},
	"RevokeRevocable": {"token", "write", func(l *lab, who identity.Identity) error {
		_, _, err := l.RevokeRevocable(l.Context(), who, "x", 0, address)
		return err
	}},
}

func TestRule04EveryCallAsksForItsGrant(t *testing.T) {
	onEach(t, func(l *lab) {
		actions := []string{"read", "write", "admin"}
		for name, c := range calls {
			l.rule = name
			l.wantFault(c.call(l, identity.Identity{}), fault.Unauthenticated)
			l.wantFault(c.call(l, caller(l.acme)), fault.Forbidden)
			for _, noun := range []string{"trust", "key", "record", "token", "workspace", "resource", "*"} {
				for rank, action := range actions {
					err := c.call(l, caller(l.acme, may(policy.Workspace, noun, action)))
					if allowed := (noun == c.noun || noun == "*") && rank >= slices.Index(actions, c.action); allowed == fault.Is(err, fault.Forbidden) {
						l.Errorf("with %s on %s: %v", action, noun, err)
					}
				}
			}
			for _, other := range []string{policy.HTTP, policy.Audience, policy.Registry} { // another type of resource
				l.wantFault(c.call(l, caller(l.acme, may(other, "*", "get", "read", "write", "admin", "issue", "pull"))), fault.Forbidden)
			}
		}
	})
}

func TestKeysAreShownWithoutTheirPrivateHalves(t *testing.T) {
	onEach(t, func(l *lab) {
		who := admin(l.acme)
		rotate := func(r manage.Rotation) keys.Stored {
			done, err := l.RotateKeys(l.Context(), who, r, address)
			l.must(err)
			if done.Removed.Sealed != nil || r.Compromised != (done.Removed.ID != "") {
				l.Errorf("removed is %+v", done.Removed)
			}
			return done.Stored
		}
		shown := []keys.Stored{
			rotate(manage.Rotation{Algorithm: jwt.ES256}),
			rotate(manage.Rotation{Algorithm: jwt.ES256, Compromised: true}),
			rotate(manage.Rotation{Algorithm: jwt.ES256}),
		}
		again, err := l.RotateKeys(l.Context(), who, manage.Rotation{Algorithm: jwt.ES256}, address)
		l.wantFault(err, fault.Conflict)
		if f := fault.From(err); !strings.Contains(f.Text(), again.ID) || again.ID == "" {
			l.Errorf("%q does not name the key", f.Text())
		}
		list, err := l.ListKeys(l.Context(), who)
		l.must(err)
		for _, k := range append(append(shown, again.Stored), list...) {
			if k.ID == "" || k.Sealed != nil {
				l.Errorf("%+v", k)
			}
		}
		if len(list) != 2 {
			l.Errorf("%d keys", len(list))
		}
	})
}

func TestWhatCannotBeRotated(t *testing.T) {
	onEach(t, func(l *lab) {
		foreign, err := l.RotateKeys(l.Context(), admin(l.zoo), manage.Rotation{Algorithm: jwt.ES256}, address)
		l.must(err)
		for rule, row := range map[string]struct {
			rotation manage.Rotation
			code     fault.Code
			field    string
		}{
			"no algorithm":                  {manage.Rotation{}, fault.InvalidField, "algorithm"},
			"an algorithm without a ring":   {manage.Rotation{Algorithm: "ES384"}, fault.InvalidField, "algorithm"},
			"a key ID without a compromise": {manage.Rotation{Algorithm: jwt.ES256, KeyID: foreign.ID}, fault.InvalidField, "key_id"},
			"an unknown key":                {manage.Rotation{Algorithm: jwt.ES256, KeyID: id.New(time.Now()), Compromised: true}, fault.NotFound, ""},
			"another workspace's key":       {manage.Rotation{Algorithm: jwt.ES256, KeyID: foreign.ID, Compromised: true}, fault.NotFound, ""},
			"a ring that does not exist":    {manage.Rotation{Algorithm: jwt.RS256, Compromised: true}, fault.NotFound, ""},
		} {
			l.rule = rule
			k, err := l.RotateKeys(l.Context(), admin(l.acme), row.rotation, address)
			l.wantFault(err, row.code)
			if f := fault.From(err); f.Field != row.field || k.ID != "" {
				l.Errorf("field %q, key %+v", f.Field, k)
			}
		}
		cut := func(keyID string) error {
			_, err := l.CutOff(l.Context(), admin(l.acme), manage.Target{Key: keyID}, address)
			return err
		}
		if of, unknown := faceOf(cut(foreign.ID)), faceOf(cut(id.New(time.Now()))); of != unknown || of.code != fault.NotFound { // rule 7
			l.Errorf("%+v %+v", of, unknown)
		}
		if list, err := l.ListKeys(l.Context(), admin(l.zoo)); err != nil || len(list) != 1 {
			l.Errorf("%v %v", list, err)
		}
	})
}

func TestRule07TheRecordIsTheCallersOwn(t *testing.T) {
	onEach(t, func(l *lab) {
		mine, foreign := l.add(l.acme), l.add(l.zoo)
		search := func(q audit.Query) []audit.Event {
			l.Helper()
			events, _, err := l.SearchRecord(l.Context(), admin(l.acme), q)
			l.must(err)
			n, err := l.CountRecord(l.Context(), admin(l.acme), q)
			if l.must(err); n != int64(len(events)) {
				l.Errorf("%d found, %d counted", len(events), n)
			}
			return events
		}
		for rule, row := range map[string]struct {
			q    audit.Query
			want int
		}{
			"all":                        {audit.Query{}, 1},
			"with the workspace forged":  {audit.Query{WorkspaceID: l.zoo.ID}, 1},
			"of the caller's own trust":  {audit.Query{Trust: admin(l.acme).Trusts()[0].ID}, 1},
			"of a foreign trust":         {audit.Query{Trust: foreign.ID}, 0},
			"before a foreign event":     {audit.Query{Before: l.events(l.zoo.ID)[0].ID}, 1},
			"of a subject of nobody":     {audit.Query{Subject: "x\x00"}, 0},
			"of a kind":                  {audit.Query{Kinds: []audit.Kind{audit.TrustRemoved}}, 0},
			"from tomorrow on":           {audit.Query{Since: time.Now().Add(24 * time.Hour)}, 0},
			"with a limit that is none":  {audit.Query{Limit: -1}, 1},
			"with a limit beyond reason": {audit.Query{Limit: 1 << 30}, 1},
		} {
			l.rule = rule
			events := search(row.q)
			if len(events) != row.want || row.want == 1 && events[0].Object != mine.ID {
				l.Errorf("%+v", events)
			}
		}
		for _, q := range []audit.Query{{Trust: "x"}, {Before: "x"}, {Trust: strings.ToUpper(mine.ID)}} {
			l.rule = fmt.Sprintf("%+v", q)
			_, _, err := l.SearchRecord(l.Context(), admin(l.acme), q)
			l.wantFault(err, fault.InvalidField)
			_, err = l.CountRecord(l.Context(), admin(l.acme), q)
			l.wantFault(err, fault.InvalidField)
		}
	})
}

// damaged is a record whose bodies are not what was written.
type damaged struct{ manage.RecordStore }

func (d damaged) Search(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	entries, err := d.RecordStore.Search(ctx, q)
	for i := range entries {
		entries[i].Body = append(entries[i].Body, ' ')
	}
	return entries, err
}

func TestADamagedEventIsShownAsOne(t *testing.T) {
	onEach(t, func(l *lab) {
		l.add(l.acme)
		want := l.events(l.acme.ID)[0]
		c := l.config
		c.Record = damaged{l.db}
		events, _, err := manage.New(c).SearchRecord(l.Context(), admin(l.acme), audit.Query{})
		l.must(err)
		if len(events) != 1 || !events[0].Unreadable || events[0].ID != want.ID || events[0].Kind != want.Kind || !events[0].Time.Equal(want.Time) ||
			events[0].WorkspaceID != want.WorkspaceID || events[0].Object != "" {
			l.Errorf("%+v", events)
		}
	})
}

func TestAPageOfEventsIsBoundedInBytes(t *testing.T) {
	onEach(t, func(l *lab) {
		const large = 300 << 10
		var all []string
		for range 9 {
			e := audit.Event{ID: id.New(time.Now()), Time: time.Now(), WorkspaceID: l.acme.ID, Kind: audit.TrustUpdated, Reason: strings.Repeat("x", large)}
			l.must(l.db.CreateUser(l.Context(), workspace.User{ID: e.ID, WorkspaceID: l.acme.ID, Grants: []byte("[]")}, l.config.Entries.Entry(e)))
			all = append(all, e.ID)
			<-time.After(time.Millisecond)
		}
		slices.Reverse(all)
		var got []string
		for q := (audit.Query{}); ; {
			events, next, err := l.SearchRecord(l.Context(), admin(l.acme), q)
			l.must(err)
			if len(events) > 4 {
				l.Errorf("a page of %d events", len(events))
			}
			for _, e := range events {
				got = append(got, e.ID)
			}
			if q.Before = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, all) {
			l.Errorf("%v, want %v", got, all)
		}
	})
}

func TestRule31ARevocableTokenIsStoredAsAHash(t *testing.T) {
	onEach(t, func(l *lab) {
		who := caller(l.acme, may(policy.Workspace, "token", policy.Write), may(policy.HTTP, "api.example/*", "get"))
		ask := func(host string) manage.NewRevocable {
			return manage.NewRevocable{Name: "ci", Grants: []identity.Permission{may(policy.HTTP, host, "get")}}
		}
		_, _, err := l.CreateRevocable(l.Context(), who, ask("*"), address)
		l.wantFault(err, fault.Forbidden) // rule 4
		made, secret, err := l.CreateRevocable(l.Context(), who, ask("api.example/x"), address)
		l.must(err)
		stored, err := l.db.RevocableByID(l.Context(), l.acme.ID, made.ID)
		l.must(err)
		text, err := json.Marshal([]any{stored, l.events(l.acme.ID)})
		if l.must(err); secret == "" || strings.Contains(string(text), secret) || strings.Contains(string(stored.Hash), secret) {
			l.Errorf("the secret is in the database: %s", text)
		}
		revoke := func(who identity.Identity, tokenID string) error {
			_, _, err := l.RevokeRevocable(l.Context(), who, tokenID, 0, address)
			return err
		}
		foreign := revoke(admin(l.zoo), made.ID)
		unknown := revoke(admin(l.zoo), id.New(time.Now()))
		if faceOf(foreign) != faceOf(unknown) || !fault.Is(foreign, fault.NotFound) { // rule 7
			l.Errorf("%v, %v", foreign, unknown)
		}
		weaker := caller(l.acme, may(policy.Workspace, "token", policy.Write))
		l.wantFault(revoke(weaker, made.ID), fault.Forbidden)                                     // rule 4
		if waited := took(func() { l.must(revoke(who, made.ID)) }); waited != audit.ReceiptLife { // rule 22
			l.Errorf("returned after %s", waited)
		}
	})
}

func TestRule21ACutOffThatWasLiftedOrIsForeign(t *testing.T) {
	onEach(t, func(l *lab) {
		made, err := l.CutOff(l.Context(), admin(l.acme), manage.Target{Issuer: issuer, Subject: "anna", Reason: "left"}, address)
		l.must(err)
		foreign, unknown := l.LiftCutOff(l.Context(), admin(l.zoo), made.ID, address), l.LiftCutOff(l.Context(), admin(l.zoo), "x", address)
		if faceOf(foreign) != faceOf(unknown) || !fault.Is(foreign, fault.NotFound) { // rule 7
			l.Errorf("%v, %v", foreign, unknown)
		}
		<-time.After(time.Millisecond)
		l.must(l.LiftCutOff(l.Context(), admin(l.acme), made.ID, address))
		events := l.events(l.acme.ID, audit.CutOffCreated, audit.CutOffLifted)
		if len(events) != 2 || events[0].Object != made.ID || events[1].Object != made.ID || events[0].Reason != "left" ||
			events[0].Details["value"] == "" {
			l.Errorf("%+v", events)
		}
		if list, err := l.ListCutOffs(l.Context(), admin(l.acme), "", 0); err != nil || len(list) != 0 {
			l.Errorf("%v %v", list, err)
		}
		for _, target := range []manage.Target{{}, {Trust: "x", Key: "y"}, {Token: "no jti"}, {Subject: "workspace/" + l.zoo.ID + "/user/x"}} {
			l.rule = fmt.Sprintf("%+v", target)
			_, err := l.CutOff(l.Context(), admin(l.acme), target, address)
			l.wantFault(err, fault.InvalidField)
		}
	})
}
