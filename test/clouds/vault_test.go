package clouds

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	jwtauth "github.com/hashicorp/vault-plugin-auth-jwt"
	"github.com/hashicorp/vault/sdk/logical"
)

const vaultGuide guide = "vault.md"

const vaultAudience = "https://vault.example.com"

// A vault is the jwt auth method as Vault runs it, with storage in memory.
type vault struct {
	method  logical.Backend
	storage logical.Storage
}

// openVault configures the method by the commands of the guide, and makes it trust the test's certificate authority.
func openVault(t *testing.T, r *reader) *vault {
	t.Helper()
	v := &vault{storage: &logical.InmemStorage{}}
	var err error
	v.method, err = jwtauth.Factory(t.Context(), &logical.BackendConfig{
		Logger: hclog.NewNullLogger(), System: &logical.StaticSystemView{}, StorageView: v.storage,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.method.Cleanup(t.Context()) })
	config := mustFind(t, r.perform(t, r.deployer.cli, "provider"), "vault", "write", "auth/jwt/config")
	v.mustWrite(t, append(config, "oidc_discovery_ca_pem="+r.lab.server.roots))
	v.mustWrite(t, mustFind(t, r.perform(t, r.deployer.cli, "role"), "vault", "write", "auth/jwt/role/deployer"))
	return v
}

// write is `vault write PATH NAME=VALUE…`.
func (v *vault) write(t *testing.T, c command) (*logical.Response, error) {
	t.Helper()
	arguments := slices.DeleteFunc(slices.Clone(c[2:]), func(a string) bool { return strings.HasPrefix(a, "-") })
	request := &logical.Request{
		Operation: logical.UpdateOperation, Path: strings.TrimPrefix(arguments[0], "auth/jwt/"), Storage: v.storage,
		Data: map[string]any{}, Connection: &logical.Connection{RemoteAddr: "127.0.0.1"},
	}
	for _, pair := range arguments[1:] {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			t.Fatalf("%q is not NAME=VALUE", pair)
		}
		request.Data[name] = value
	}
	if checked, exists, err := v.method.HandleExistenceCheck(t.Context(), request); err != nil {
		return nil, err
	} else if checked && !exists {
		request.Operation = logical.CreateOperation
	}
	response, err := v.method.HandleRequest(t.Context(), request)
	if err == nil && response.IsError() {
		err = response.Error()
	}
	return response, err
}

func (v *vault) mustWrite(t *testing.T, c command) {
	t.Helper()
	if _, err := v.write(t, c); err != nil {
		t.Fatal(err)
	}
}

func (v *vault) login(t *testing.T, token string) (*logical.Response, error) {
	t.Helper()
	return v.write(t, command{"vault", "write", "auth/jwt/login", "role=deployer", "jwt=" + token})
}

// wantAdmitted demands a Vault token with the role's policy, for the workload of the guide.
func wantAdmitted(t *testing.T, r *reader, response *logical.Response, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return
	}
	auth := response.Auth
	if auth == nil || !slices.Equal(auth.Policies, []string{"deployer"}) || auth.Alias.Name != r.deployer.subject(t) {
		t.Errorf("logged in as %+v", auth)
	}
}

// The guide's pipe is all that a login takes.
func TestVaultLogsIn(t *testing.T) {
	r := follow(t, vaultGuide)
	v := openVault(t, r)
	response, err := v.write(t, mustFind(t, r.perform(t, r.deployer.cli, "login"), "vault", "write", "-field=token", "auth/jwt/login"))
	wantAdmitted(t, r, response, err)
}

// So is the guide's token file, for Vault's agent.
func TestVaultTakesTheTokenFile(t *testing.T) {
	r := follow(t, vaultGuide)
	v := openVault(t, r)
	r.installTokenFile(t)
	r.perform(t, r.deployer.cli, "renew")
	response, err := v.login(t, r.readFile(t, "run/vault-token"))
	wantAdmitted(t, r, response, err)
}

// What the guide's configuration and role keep out, and in which words.
func TestVaultRefuses(t *testing.T) {
	r := follow(t, vaultGuide)
	v := openVault(t, r)
	const signature = "failed to verify id token signature"
	want := map[string]string{
		otherAudience:    "invalid audience (aud) claim",
		otherSubject:     "invalid subject (sub) claim",
		otherWorkspace:   signature,
		claimedWorkspace: signature,
		changedSubject:   signature,
		changedAudience:  signature,
		changedEnd:       signature,
		unknownKey:       signature,
		noSignature:      "algorithm",
		accessToken:      "invalid audience (aud) claim",
		ofOtherAlgorithm: "algorithm",
	}
	wrong := r.wrongTokens(t, vaultAudience)
	delete(wrong, withNewline) // which Vault takes away
	wrong[ofOtherAlgorithm] = r.deployer.issue(t, vaultAudience, "--alg", "RS256")
	for what, token := range wrong {
		t.Run(what, func(t *testing.T) {
			_, err := v.login(t, token)
			if err == nil || want[what] == "" || !strings.Contains(err.Error(), want[what]) {
				t.Errorf("%v, want %q", err, want[what])
			}
		})
	}
}

// Without its leeway Vault refuses a token when it has ended.
func TestVaultRefusesTheEnded(t *testing.T) {
	r := follow(t, vaultGuide)
	v := openVault(t, r)
	role := mustFind(t, r.perform(t, r.deployer.cli, "role"), "vault", "write", "auth/jwt/role/deployer")
	v.mustWrite(t, append(role, "clock_skew_leeway=-1"))
	token := r.deployer.issue(t, vaultAudience, "--duration", "2s")
	err := waitFor(patiently(t), func() error {
		_, err := v.login(t, token)
		if err == nil || !strings.Contains(err.Error(), "invalid expiration time (exp) claim") {
			return fmt.Errorf("a token of two seconds: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
