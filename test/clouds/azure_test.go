package clouds

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const azureGuide guide = "azure.md"

const (
	azureAudience = "api://AzureADTokenExchange"
	azureTenant   = "66666666-7777-8888-9999-aaaaaaaaaaaa"
)

// credential is the SDK's. Client, tenant and file are in the environment, as the guide says.
func (e *entra) credential(t *testing.T) *azidentity.WorkloadIdentityCredential {
	t.Helper()
	c, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: azcore.ClientOptions{
			Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: e.server.URL}, Transport: e.server.Client(),
		},
		DisableInstanceDiscovery: true, // which would ask Microsoft whether it knows the stand-in
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ask(t *testing.T, c *azidentity.WorkloadIdentityCredential, scope string) error {
	t.Helper()
	_, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope + "/.default"}})
	return err
}

const (
	vaultScope   = "https://vault.azure.net"
	storageScope = "https://storage.azure.com"
)

// The guide's token file and variables are all that the SDK needs, and the audience alone makes the token RS256.
func TestAzureReadsTheTokenFile(t *testing.T) {
	r := follow(t, azureGuide)
	directory := openEntra(t, r, azureTenant)
	r.installTokenFile(t)
	r.become(t, r.deployer, "environment")
	r.perform(t, r.deployer.cli, "renew")
	if err := ask(t, directory.credential(t), vaultScope); err != nil {
		t.Fatal(err)
	}
	if c := directory.last(t); c.Subject != r.deployer.subject(t) || c.Audience != azureAudience {
		t.Errorf("a token was given to %q for %q", c.Subject, c.Audience)
	}
}

// The SDK keeps what it read from the file for ten minutes, so a token must last longer than that when it is read: the
// guide's file has one of half an hour at least, and so has every token for this audience unless less is asked for.
func TestAzureSDKKeepsTheTokenForTenMinutes(t *testing.T) {
	r := follow(t, azureGuide)
	directory := openEntra(t, r, azureTenant)
	r.installTokenFile(t)
	r.become(t, r.deployer, "environment")
	credential := directory.credential(t)

	r.perform(t, r.deployer.cli, "renew")
	if err := ask(t, credential, vaultScope); err != nil {
		t.Fatal(err)
	}
	first := directory.last(t)
	r.perform(t, r.deployer.cli, "renew")
	directory.credentials[0].later = 10 * time.Minute // the SDK's clock stays, so that it does not read the file
	if err := ask(t, credential, storageScope); err != nil {
		t.Error(err)
	}
	if again := directory.last(t); again.ID != first.ID {
		t.Error("the SDK has read the file again: the guide says that it does not")
	}
	if life := time.Duration(first.ExpiresAt-first.IssuedAt) * time.Second; life < 30*time.Minute {
		t.Errorf("the guide's token lasts %s", life)
	}

	plain := directory.credential(t)
	if err := os.WriteFile(os.Getenv("AZURE_FEDERATED_TOKEN_FILE"), []byte(r.deployer.issue(t, azureAudience)), 0o600); err != nil {
		t.Fatal(err)
	}
	directory.credentials[0].later = 0
	if err := ask(t, plain, vaultScope); err != nil {
		t.Fatal(err)
	}
	directory.credentials[0].later = 9 * time.Minute
	if err := ask(t, plain, storageScope); err != nil {
		t.Error(err)
	}
}

// What the guide's federated identity credential keeps out, and in which words.
func TestAzureRefuses(t *testing.T) {
	r := follow(t, azureGuide)
	directory := openEntra(t, r, azureTenant)
	r.become(t, r.deployer, "environment")
	want := map[string]string{
		otherAudience:    "AADSTS700212",
		otherSubject:     "AADSTS700213",
		otherWorkspace:   "AADSTS700211",
		claimedWorkspace: "AADSTS50027: Invalid JWT token: signature",
		changedSubject:   "AADSTS50027: Invalid JWT token: signature",
		changedAudience:  "AADSTS50027: Invalid JWT token: signature",
		changedEnd:       "AADSTS50027: Invalid JWT token: signature",
		unknownKey:       "AADSTS50027: Invalid JWT token: signature",
		noSignature:      "AADSTS5002738",
		accessToken:      "AADSTS5002738",
		withNewline:      "AADSTS50027: Invalid JWT token: form",
		ofOtherAlgorithm: "AADSTS5002738",
	}
	wrong := r.wrongTokens(t, azureAudience)
	wrong[ofOtherAlgorithm] = r.deployer.issue(t, azureAudience, "--alg", "ES256")
	for what, token := range wrong {
		t.Run(what, func(t *testing.T) { directory.wantRefused(t, token, want[what]) })
	}
	good := r.deployer.issue(t, azureAudience)
	t.Setenv("AZURE_FEDERATED_TOKEN_FILE", tokenFile(t, good))
	if err := ask(t, directory.credential(t), vaultScope); err != nil {
		t.Error(err)
	}
	directory.credentials[0].later = time.Hour
	directory.wantRefused(t, good, "AADSTS700024")
}

func (e *entra) wantRefused(t *testing.T, token, code string) {
	t.Helper()
	t.Setenv("AZURE_FEDERATED_TOKEN_FILE", tokenFile(t, token))
	wantAADSTS(t, ask(t, e.credential(t), vaultScope), code)
}

func wantAADSTS(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || code == "" || !strings.Contains(err.Error(), code) {
		t.Errorf("%v, want %q", err, code)
	}
}
