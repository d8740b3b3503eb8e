package credentials

import (
	"errors"
	"path/filepath"
	"runtime"
)

// Source says why a file was chosen.
type Source string

// The sources, in the order in which they are asked.
const (
	Keychain Source = "keychain"
	Variable Source = "NSC_TOKEN_FILE"
	Workload Source = "workload"
	User     Source = "user"
)

// Remedy says what helps against a file of the source that is of no use. Signing in writes the user's folder alone
// (rule 38).
func (s Source) Remedy() string {
	switch s {
	case Variable:
		return "have NSC_TOKEN_FILE name a good token file, or unset it and sign in (nsc auth exchange-oidc-token): that never writes the file that it names"
	case Workload:
		return "correct what writes it: it is the workload's platform, never nsc"
	case Keychain:
		return "sign in again (nsc auth exchange-oidc-token --keychain NAME), or remove the file"
	}
	return "sign in again (nsc auth exchange-oidc-token), or remove the file"
}

const workloadFolder = "/var/run/nsc"

var errNoHome = errors.New("the user's configuration folder is unknown: neither HOME nor XDG_CONFIG_HOME is set")

// userFolder returns the ns folder of the user's configuration folder: where os.UserConfigDir would have it, but by the
// environment that the program was given.
func userFolder(env func(string) string) (string, error) {
	var parent string
	switch runtime.GOOS {
	case "windows":
		parent = env("AppData")
	case "darwin":
		parent = under(env("HOME"), "Library", "Application Support")
	default:
		parent = env("XDG_CONFIG_HOME")
		if !filepath.IsAbs(parent) { // the XDG specification: relative paths are invalid and ignored
			parent = under(env("HOME"), ".config")
		}
	}
	if parent == "" {
		return "", errNoHome
	}
	return filepath.Join(parent, "ns"), nil
}

func under(folder string, names ...string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(append([]string{folder}, names...)...)
}

// workloadFile returns where a workload's platform puts its token.
func workloadFile(env func(string) string) string {
	folder := env("NSC_METADATA_DIR")
	if folder == "" {
		folder = workloadFolder
	}
	return filepath.Join(folder, "token.json")
}

// userFile returns the name of a file in the user's folder: a keychain's, a workspace's, or the one without a name.
func userFile(keychain, workspace string) string {
	switch {
	case keychain != "":
		return filepath.Join("keychain", keychain+".json")
	case workspace != "":
		return "token_" + workspace + ".json"
	}
	return "token.json"
}
