package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

// Store finds the files by the environment of the program.
type Store struct {
	env func(string) string
	now func() time.Time
}

// NewStore returns a store over an environment and a clock.
func NewStore(env func(string) string, now func() time.Time) Store { return Store{env, now} }

// ErrNotSignedIn is the cause of the failure where there is no sign-in at all.
var ErrNotSignedIn = errors.New("not signed in")

const signIn = "sign in: nsc auth exchange-oidc-token --token-file FILE"

// Find returns the sign-in that commands use: the keychain's, the one that NSC_TOKEN_FILE names, the workload's, the
// user's. It may have expired. It need not be for the workspace: the user's may be one to federate from.
func (s Store) Find(keychain, workspace string) (Credential, error) {
	if keychain != "" {
		return s.keychain(keychain)
	}
	if path := s.env("NSC_TOKEN_FILE"); path != "" {
		return named(path, Variable, "NSC_TOKEN_FILE names "+path+", which does not exist",
			"unset NSC_TOKEN_FILE, or have it name a token file")
	}
	c, err := Load(workloadFile(s.env), Workload)
	if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	return s.user(workspace)
}

func (s Store) keychain(name string) (Credential, error) {
	path, err := s.Path(name, "")
	if err != nil {
		return Credential{}, err
	}
	return named(path, Keychain, "not signed in with the keychain "+name, signIn+" --keychain "+name)
}

// named loads a file that was asked for by name: that it is missing is an error.
func named(path string, source Source, what, todo string) (Credential, error) {
	c, err := Load(path, source)
	if errors.Is(err, fs.ErrNotExist) {
		return Credential{}, failure.Wrap(failure.Refused, err, what, todo)
	}
	return c, err
}

// user returns the sign-in in the user's folder: the one for the workspace where there is one, the one without a name,
// and where there is none of that name the only one that there is.
func (s Store) user(workspace string) (Credential, error) {
	var ended *Credential
	if workspace != "" {
		c, err := s.load("", workspace)
		switch {
		case err == nil && c.DerivedFrom == "" && !c.Expired(s.now()):
			return c, nil
		case err == nil && c.DerivedFrom == "":
			ended = &c
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return Credential{}, err
		}
	}
	c, err := s.load("", "")
	switch {
	case errors.Is(err, fs.ErrNotExist) && ended != nil:
		return *ended, nil
	case errors.Is(err, fs.ErrNotExist):
		return s.only(workspace)
	}
	return c, err
}

func (s Store) load(keychain, workspace string) (Credential, error) {
	path, err := s.Path(keychain, workspace)
	if err != nil {
		return Credential{}, err
	}
	return Load(path, User)
}

// only returns the single sign-in to a named workspace: whoever has one identity need not say which. The workspace is what
// was asked for, and has no sign-in of its own; "" for none.
func (s Store) only(workspace string) (Credential, error) {
	all, err := s.signIns()
	if err != nil {
		return Credential{}, err
	}
	switch len(all) {
	case 0:
		return Credential{}, failure.Wrap(failure.Refused, ErrNotSignedIn, ErrNotSignedIn.Error(), signIn)
	case 1:
		return all[0], nil
	}
	var names []string
	for _, c := range all {
		names = append(names, c.Workspace)
	}
	if workspace != "" {
		return Credential{}, failure.New(failure.Refused,
			fmt.Sprintf("not signed in to %s, but to several other workspaces: %s", workspace, strings.Join(names, ", ")),
			"sign in to it: nsc auth exchange-oidc-token --token-file FILE --workspace "+workspace+"; or name one of those")
	}
	return Credential{}, failure.New(failure.Refused,
		"signed in to several workspaces, and none was named: "+strings.Join(names, ", "),
		"name one: --workspace "+names[0]+", or export NSC_WORKSPACE="+names[0])
}

// signIns returns the sign-ins to named workspaces that have not ended.
func (s Store) signIns() ([]Credential, error) {
	var all []Credential
	err := s.each("token_*.json", func(path string) error {
		c, err := Load(path, User)
		if err == nil && c.DerivedFrom == "" && !c.Expired(s.now()) {
			all = append(all, c)
		}
		return err
	})
	return all, err
}

// each calls visit with every file of the user's folder that matches.
func (s Store) each(pattern string, visit func(path string) error) error {
	folder, err := userFolder(s.env)
	if err != nil {
		return nil // no folder, no files
	}
	entries, err := os.ReadDir(filepath.Join(folder, filepath.Dir(pattern)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unreadable(folder, User, err)
	}
	for _, entry := range entries {
		if ok, _ := filepath.Match(filepath.Base(pattern), entry.Name()); !ok {
			continue
		}
		if err := visit(filepath.Join(folder, filepath.Dir(pattern), entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Path returns the file in the user's folder for a keychain or a workspace; both may be empty.
func (s Store) Path(keychain, workspace string) (string, error) {
	for flag, name := range map[string]string{"--keychain": keychain, "--workspace": workspace} {
		if err := CheckName(name); name != "" && err != nil {
			return "", failure.Misuse(fmt.Sprintf("the value of %s, %q, is not a name", flag, name), "a name %v", err)
		}
	}
	folder, err := userFolder(s.env)
	if err != nil {
		return "", failure.Wrap(failure.Refused, err, err.Error(), "set HOME")
	}
	return filepath.Join(folder, userFile(keychain, workspace)), nil
}
