package preset

import "strings"

// clouds returns the presets of the clouds' own identities.
func clouds() []Preset {
	return []Preset{googleServiceAccount(), aws(), azureManagedIdentity(), fly()}
}

func googleServiceAccount() Preset {
	return Preset{
		Name: "google-service-account", Title: "Google Cloud service account", Guide: "google-service-account.md",
		Source: "https://cloud.google.com/compute/docs/instances/verifying-instance-identity",
		Pins:   "the account by its unique ID, since an address can be given to another account after it was deleted",
		Parameters: []Parameter{
			{Name: "unique-id", Meaning: "the account's unique ID (gcloud iam service-accounts describe … --format='value(uniqueId)')", Required: true, Example: "102939475610283746501", form: newForm("a number of 15 to 25 digits", `[1-9][0-9]{14,24}`)},
			{Name: "email", Meaning: "the account's address, which the token must have as well", Example: "deployer@acme-production.iam.gserviceaccount.com", form: newForm("an address at …gserviceaccount.com", `[a-z0-9][a-z0-9-]*@(?:[a-z0-9-]+\.)*gserviceaccount\.com`)},
		},
		build: func(g given) (draft, error) {
			d := draft{issuer: "https://accounts.google.com", subject: g["unique-id"], pins: []string{equal(g["unique-id"], "sub")}}
			if email := g["email"]; email != "" {
				d.pins = append(d.pins, equal(email, "email"), claim("email_verified")+" == true")
			}
			return d, nil
		},
	}
}

// aws is about tokens of GetWebIdentityToken: an account has an issuer of its own.
func aws() Preset {
	return Preset{
		Name: "aws", Title: "AWS outbound web identity", Guide: "aws-workloads.md",
		Source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html",
		Pins:   "the account by its issuer and its number, and the role by its ARN",
		Parameters: []Parameter{
			{Name: "issuer", Meaning: "the account's issuer (aws iam get-outbound-web-identity-federation-info)", Required: true, Example: "https://abc12345-def4-5678-90ab-cdef12345678.tokens.sts.global.api.aws", form: newForm("https://….tokens.sts.global.api.aws", `https://[a-z0-9-]+\.tokens\.sts(?:\.[a-z0-9-]+)*\.api\.aws`)},
			{Name: "role-arn", Meaning: "ARN of the role", Required: true, Example: "arn:aws:iam::123456789012:role/deployer", form: newForm("arn:aws:iam::<account>:role/<name>", `arn:aws(?:-cn|-us-gov)?:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+`)},
		},
		build: func(g given) (draft, error) {
			account := strings.Split(g["role-arn"], ":")[4] // the form has it there
			return draft{
				issuer: g["issuer"], subject: g["role-arn"],
				pins: []string{equal(account, "https://sts.amazonaws.com/", "aws_account")},
			}, nil
		},
	}
}

// azureManagedIdentity is about access tokens for an application that stands for nsc. Which issuer and audience they have
// depends on that application's requestedAccessTokenVersion.
func azureManagedIdentity() Preset {
	return Preset{
		Name: "azure-managed-identity", Title: "Azure managed identity", Guide: "azure-managed-identity.md",
		Source: "https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference",
		Pins:   "tenant and identity by their object IDs, which are never given again; the audience is an application of your own tenant",
		Parameters: []Parameter{
			{Name: "entra-tenant-id", Meaning: "ID of the Entra tenant", Required: true, Example: "aaaabbbb-0000-cccc-1111-dddd2222eeee", form: uuid},
			{Name: "principal-id", Meaning: "object ID of the managed identity (az identity show --query principalId)", Required: true, Example: "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb", form: uuid},
			{Name: "application-id", Meaning: "client ID of the application that stands for nsc, which tokens are asked for", Required: true, Example: "00001111-aaaa-2222-bbbb-3333cccc4444", form: uuid},
			{Name: "token-version", Meaning: "the application's requestedAccessTokenVersion", Default: "2", Example: "1", form: oneWord("1|2")},
		},
		build: func(g given) (draft, error) {
			d := draft{
				issuer:  "https://login.microsoftonline.com/" + g["entra-tenant-id"] + "/v2.0",
				subject: g["principal-id"], audience: g["application-id"],
				pins: []string{equal(g["principal-id"], "oid"), equal(g["entra-tenant-id"], "tid")},
			}
			if g["token-version"] == "1" {
				d.issuer, d.audience = "https://sts.windows.net/"+g["entra-tenant-id"]+"/", "api://"+g["application-id"]
			}
			return d, nil
		},
	}
}

func fly() Preset {
	return Preset{
		Name: "fly", Title: "Fly.io", Guide: "fly.md",
		Source: "https://fly.io/docs/reference/openid-connect/",
		Pins:   "the app by its number, since names of organizations and apps are given up and taken by others",
		Parameters: []Parameter{
			{Name: "organization", Meaning: "slug of the organization", Required: true, Example: "acme", form: label},
			{Name: "app", Meaning: "name of the app", Required: true, Example: "api", form: label},
			{Name: "app-id", Meaning: "the app's number: app_id of a token (nsc auth inspect)", Required: true, Example: "3671581", form: number},
		},
		build: func(g given) (draft, error) {
			return draft{
				issuer:  "https://oidc.fly.io/" + g["organization"],
				subject: g["organization"] + ":" + g["app"] + ":*",
				pins:    []string{equal(g["app-id"], "app_id")},
			}, nil
		},
	}
}
