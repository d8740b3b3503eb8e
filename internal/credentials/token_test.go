package credentials

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// token returns an access token of a workspace at https://nsc.example.com that lasts for a while from noon.
func token(t *testing.T, workspace string, lasts time.Duration) string {
	t.Helper()
	return sign(t, fmt.Sprintf(`{"iss":"https://nsc.example.com/w/%s","sub":"workspace/x/user/y","exp":%d,"jti":%q}`,
		workspace, noon.Add(lasts).Unix(), t.Name()+workspace+lasts.String()))
}

func sign(t *testing.T, claims string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jwt.NewSigner("k", jwt.ES256, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signer.Sign("at+jwt", []byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// home is a user's home folder and an environment that names it.
type home struct {
	store Store
	env   map[string]string
	dir   string
}

func newHome(t *testing.T) home {
	t.Helper()
	dir := t.TempDir()
	env := map[string]string{"HOME": dir, "XDG_CONFIG_HOME": filepath.Join(dir, "config"), "NSC_METADATA_DIR": filepath.Join(dir, "run")}
	return home{NewStore(func(name string) string { return env[name] }, atNoon), env, dir}
}

// path returns a path below the user's folder.
func (h home) path(names ...string) string {
	return filepath.Join(append([]string{h.dir, "config", "ns"}, names...)...)
}

// put saves a credential file.
func put(t *testing.T, path string, s Stored) Credential {
	t.Helper()
	if err := Save(path, s); err != nil {
		t.Fatal(err)
	}
	c, err := Read(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t *testing.T, path string, mode os.FileMode, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}
