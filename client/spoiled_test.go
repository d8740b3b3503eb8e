package client_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/client"
	"github.com/nsc-federation/nsc/internal/credentials"
)

// TestASpoiledFileIsReplacedWhereSignInKnowsHow: half a file would otherwise stop the program for good. What is the
// platform's, or may be somebody's good sign-in, stays.
func TestASpoiledFileIsReplacedWhereSignInKnowsHow(t *testing.T) {
	good := `{"bearer_token":"` + mint(base+"/w/prod", base+"/w/prod", 3, time.Hour) + `","session_token":""}`
	for name, row := range map[string]struct {
		file, workspace string
		content         string
		mode            os.FileMode
		fails           bool
		works           bool
	}{
		"half of one":                      {"user", "", good[:40], 0o600, false, true},
		"nothing":                          {"user", "", "", 0o600, false, true},
		"somebody else's token":            {"user", "", `{"bearer_token":"abc"}`, 0o600, false, true},
		"half of one, for all to read":     {"user", "", good[:40], 0o644, false, true},
		"more than any":                    {"user", "", strings.Repeat("x", credentials.MaxFile+1), 0o600, false, true},
		"that of a workspace":              {"prod", "prod", good[:40], 0o600, false, true},
		"the general one, for a workspace": {"user", "prod", good[:40], 0o600, false, true},
		"no luck":                          {"user", "", good[:40], 0o600, true, false},
		"a good one, for all to read":      {"user", "", good, 0o644, false, false},
		"the workload's":                   {"workload", "", good[:40], 0o600, false, false},
		"one that a variable names":        {"variable", "", good[:40], 0o600, false, false},
		"the user's, named by a variable":  {"user, named", "", good[:40], 0o600, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := home(t)
			path := map[string]string{
				"user": userFile(dir, "token.json"), "prod": userFile(dir, "token_prod.json"), "user, named": userFile(dir, "token.json"),
				"workload": filepath.Join(dir, "run", "token.json"), "variable": filepath.Join(dir, "variable.json"),
			}[row.file]
			lay := func(path string) {
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(row.content), row.mode)); err != nil {
					t.Fatal(err)
				}
			}
			lay(path)
			if row.file == "workload" { // the user's is spoiled as well, and nobody asks
				path = userFile(dir, "token.json")
				lay(path)
			}
			if row.file == "variable" || row.file == "user, named" {
				t.Setenv("NSC_TOKEN_FILE", path)
			}
			t.Setenv("NSC_WORKSPACE", row.workspace)
			fresh := mint(base+"/w/prod", base+"/w/prod", 7, time.Hour)
			c := &client.Client{HTTPClient: newFake().client(), SignIn: func(context.Context) (string, error) {
				if row.fails {
					return "", errRefused
				}
				return fresh, nil
			}}
			_, err := c.IDToken(t.Context(), audience)
			if (err == nil) != row.works || row.fails && (!errors.Is(err, errRefused) || !strings.Contains(err.Error(), path)) {
				t.Errorf("error %v", err)
			}
			stored, err := credentials.Load(path, credentials.User)
			if row.works && (err != nil || stored.BearerToken != fresh) {
				t.Errorf("the file holds %q, %v", stored.BearerToken, err)
			}
			if content, _ := os.ReadFile(path); !row.works && string(content) != row.content {
				t.Errorf("the file was changed to %q", content)
			}
		})
	}
}
