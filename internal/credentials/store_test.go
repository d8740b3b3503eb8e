package credentials

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFindInOrder holds the order in which a sign-in is looked for: each row has one file more than is used.
func TestFindInOrder(t *testing.T) {
	h := newHome(t)
	variable := filepath.Join(h.dir, "variable.json")
	steps := []struct {
		file                string
		keychain, workspace string
		with                func()
		source              Source
	}{
		{h.path("token.json"), "", "", nil, User},
		{h.path("token_prod.json"), "", "prod", nil, User},
		{filepath.Join(h.dir, "run", "token.json"), "", "prod", nil, Workload},
		{variable, "", "prod", func() { h.env["NSC_TOKEN_FILE"] = variable }, Variable},
		{h.path("keychain", "ci.json"), "ci", "prod", nil, Keychain},
	}
	for _, step := range steps {
		put(t, step.file, Stored{BearerToken: token(t, "prod", time.Hour)})
		if step.with != nil {
			step.with()
		}
		c, err := h.store.Find(step.keychain, step.workspace)
		if err != nil || c.Path != step.file || c.Source != step.source {
			t.Errorf("found %s (%s), %v; want %s", c.Path, c.Source, err, step.file)
		}
	}
}

func TestFindNothing(t *testing.T) {
	h := newHome(t)
	_, err := h.store.Find("", "")
	wantFailure(t, err, "not signed in")
	if !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("%v is not ErrNotSignedIn", err)
	}
	_, err = h.store.Find("ci", "")
	wantFailure(t, err, "not signed in with the keychain ci")
	h.env["NSC_TOKEN_FILE"] = filepath.Join(h.dir, "none.json")
	_, err = h.store.Find("", "")
	wantFailure(t, err, "NSC_TOKEN_FILE names "+h.env["NSC_TOKEN_FILE"]+", which does not exist")
	if _, err := h.store.Find("../x", ""); err == nil || !strings.Contains(err.Error(), "is not a name") {
		t.Errorf("path in a keychain's name: %v", err)
	}
}

func TestFindOnlySignIn(t *testing.T) {
	h := newHome(t)
	prod := put(t, h.path("token_prod.json"), Stored{BearerToken: token(t, "prod", time.Hour)})
	put(t, h.path("token_old.json"), Stored{BearerToken: token(t, "old", -time.Hour)})
	put(t, h.path("token_far.json"), Stored{BearerToken: token(t, "far", time.Hour), DerivedFrom: Digest(prod.BearerToken)})
	if c, err := h.store.Find("", ""); err != nil || c.Workspace != "prod" {
		t.Errorf("the only sign-in: %+v, %v", c, err)
	}
	put(t, h.path("token_test.json"), Stored{BearerToken: token(t, "test", time.Hour)})
	_, err := h.store.Find("", "")
	wantFailure(t, err, "signed in to several workspaces, and none was named: prod, test")
	_, err = h.store.Find("", "nosuch")
	wantFailure(t, err, "not signed in to nosuch, but to several other workspaces: prod, test")
}

func TestFindPrefersALiveSignIn(t *testing.T) {
	h := newHome(t)
	put(t, h.path("token_prod.json"), Stored{BearerToken: token(t, "prod", -time.Hour)})
	if c, err := h.store.Find("", "prod"); err != nil || c.Workspace != "prod" || !c.Expired(noon) {
		t.Errorf("an ended sign-in is found, to be spoken of: %+v, %v", c, err)
	}
	put(t, h.path("token.json"), Stored{BearerToken: token(t, "home", time.Hour)})
	if c, err := h.store.Find("", "prod"); err != nil || c.Workspace != "home" {
		t.Errorf("a live sign-in to federate from comes before an ended one: %+v, %v", c, err)
	}
}

// derive has a token for a workspace made from the origin, where the one that was seen is not wanted, and returns what the
// caller has then and whether there was an exchange.
func derive(t *testing.T, h home, origin Credential, workspace, seen, made string) (token string, exchanged bool) {
	t.Helper()
	token, err := h.store.RenewDerived(t.Context(), origin, workspace, seen, func(context.Context) (string, error) {
		exchanged = true
		return made, nil
	})
	if err != nil {
		t.Error(err)
	}
	return token, exchanged
}

func TestDerivedServesItsOriginAlone(t *testing.T) {
	h := newHome(t)
	origin := put(t, h.path("token.json"), Stored{BearerToken: token(t, "home", time.Hour)})
	other := put(t, h.path("keychain", "ci.json"), Stored{BearerToken: token(t, "home", 2*time.Hour)})
	far := token(t, "far", time.Hour)
	derive(t, h, origin, "far", "", far)
	if c, ok := h.store.Derived(origin, "far"); !ok || c.BearerToken != far {
		t.Errorf("%+v, %v", c, ok)
	}
	if c, ok := h.store.Derived(other, "far"); ok {
		t.Errorf("another sign-in was given %+v", c)
	}
	if c, ok := h.store.Derived(origin, "farther"); ok {
		t.Errorf("another workspace was given %+v", c)
	}
	if _, exchanged := derive(t, h, other, "far", "", token(t, "far", -time.Second)); !exchanged {
		t.Error("another sign-in was given what the first had")
	}
	if c, ok := h.store.Derived(other, "far"); ok {
		t.Errorf("an ended token was given: %+v", c)
	}
}

// TestDerivedIsRenewedOnce: who finds under the lock what he has not seen takes it, and who finds what he does not want
// exchanges.
func TestDerivedIsRenewedOnce(t *testing.T) {
	h := newHome(t)
	origin := put(t, h.path("token.json"), Stored{BearerToken: token(t, "home", time.Hour)})
	first, second := token(t, "far", time.Hour), token(t, "far", 2*time.Hour)
	for _, step := range []struct {
		seen, made, has string
		exchanged       bool
	}{
		{"", first, first, true},
		{"", second, first, false},
		{first, second, second, true},
		{first, "not wanted", second, false},
	} {
		if has, exchanged := derive(t, h, origin, "far", step.seen, step.made); has != step.has || exchanged != step.exchanged {
			t.Errorf("%+v: has %s, exchanged %v", step, has, exchanged)
		}
	}
}

func TestDerivedThatCannotBeKept(t *testing.T) {
	h := newHome(t)
	origin := put(t, filepath.Join(h.dir, "variable.json"), Stored{BearerToken: token(t, "home", time.Hour)})
	write(t, filepath.Dir(h.path("token.json")), 0o600, "a file where the folder should be")
	got, err := h.store.RenewDerived(t.Context(), origin, "far", "", func(context.Context) (string, error) { return "made", nil })
	if got != "made" || err == nil || !strings.Contains(err.Error(), "cannot be kept in "+h.path("token_far.json")) {
		t.Errorf("%q, %v", got, err)
	}
	down := errors.New("the server is down")
	if got, err := h.store.RenewDerived(t.Context(), origin, "far", "", func(context.Context) (string, error) { return "", down }); got != "" || err != down {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDerivedNeverReplacesASignIn(t *testing.T) {
	h := newHome(t)
	origin := put(t, h.path("token.json"), Stored{BearerToken: token(t, "home", time.Hour)})
	own := put(t, h.path("token_far.json"), Stored{BearerToken: token(t, "far", time.Minute)})
	made := token(t, "far", time.Hour)
	if has, _ := derive(t, h, origin, "far", "", made); has != made {
		t.Errorf("the exchange gave %q", has)
	}
	if c, err := Load(h.path("token_far.json"), User); err != nil || c.BearerToken != own.BearerToken {
		t.Errorf("the sign-in became %+v, %v", c, err)
	}
}

func TestRule38DerivedNeverReplacesTheVariablesFile(t *testing.T) {
	h := newHome(t)
	path := h.path("token_far.json")
	origin := put(t, path, Stored{BearerToken: token(t, "home", time.Hour), DerivedFrom: "another"})
	h.env["NSC_TOKEN_FILE"] = path
	made := token(t, "far", time.Hour)
	if has, _ := derive(t, h, origin, "far", "", made); has != made {
		t.Errorf("the exchange gave %q", has)
	}
	if c, err := Load(path, User); err != nil || c.BearerToken != origin.BearerToken {
		t.Errorf("the file holds %+v, %v", c, err)
	}
}

func TestRule38Shadow(t *testing.T) {
	h := newHome(t)
	path := h.path("token.json")
	put(t, path, Stored{BearerToken: token(t, "home", time.Hour)})
	check := func(keychain, want string) {
		t.Helper()
		if file, _ := h.store.Shadow(keychain, path); file != want {
			t.Errorf("shadowed by %q, want %q", file, want)
		}
	}
	check("", "")
	workload := filepath.Join(h.dir, "run", "token.json")
	write(t, workload, 0o600, "{}")
	check("", workload)
	h.env["NSC_TOKEN_FILE"] = filepath.Join(h.dir, "x.json")
	check("", h.env["NSC_TOKEN_FILE"])
	check("ci", "")
	h.env["NSC_TOKEN_FILE"] = filepath.Join(filepath.Dir(path), ".", "token.json")
	check("", "")
}

func TestRemoveTakesDerivedAlong(t *testing.T) {
	h := newHome(t)
	origin := put(t, h.path("token.json"), Stored{BearerToken: token(t, "home", time.Hour)})
	put(t, h.path("token_far.json"), Stored{BearerToken: token(t, "far", time.Hour), DerivedFrom: Digest(origin.BearerToken)})
	put(t, h.path("token_own.json"), Stored{BearerToken: token(t, "own", time.Hour)})
	path, err := h.store.Present("", "far")
	if err != nil || path != h.path("token.json") {
		t.Fatalf("%s, %v", path, err)
	}
	gone, err := h.store.Remove(path)
	if err != nil || len(gone) != 2 {
		t.Errorf("%v, %v", gone, err)
	}
	if entries, _ := filepath.Glob(h.path("*")); len(entries) != 2 || filepath.Base(entries[0]) != "token_own.json" || filepath.Base(entries[1]) != "token_own.json.lock" {
		t.Errorf("left: %v", entries)
	}
}

func TestRemoveAll(t *testing.T) {
	h := newHome(t)
	for _, name := range []string{"token.json", "token_a.json", "keychain/ci.json"} {
		write(t, h.path(name), 0o644, "not even readable as a token")
	}
	write(t, h.path("notes.txt"), 0o600, "mine")
	gone, err := h.store.RemoveAll()
	if err != nil || len(gone) != 3 {
		t.Errorf("%v, %v", gone, err)
	}
	if _, err := os.Stat(h.path("notes.txt")); err != nil {
		t.Error("removed what is not a token file")
	}
}

func TestUserFolder(t *testing.T) {
	h := newHome(t)
	h.env["XDG_CONFIG_HOME"] = "relative/is/invalid"
	if path, err := h.store.Path("", ""); err != nil || path != filepath.Join(h.dir, ".config", "ns", "token.json") {
		t.Errorf("%s, %v", path, err)
	}
	h.env["XDG_CONFIG_HOME"], h.env["HOME"] = "", ""
	if path, err := h.store.Path("", ""); err == nil {
		t.Errorf("without a home: %s", path)
	}
	if _, err := h.store.Find("", ""); !errors.Is(err, ErrNotSignedIn) && err == nil {
		t.Errorf("without a home: %v", err)
	}
}
