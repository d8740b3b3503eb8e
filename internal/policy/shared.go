package policy

import (
	"slices"
	"strings"
)

// sharedAudiences belong to systems that all their customers address by the same name (rule 2). As the expected
// audience of a trust they would admit a token that somebody made for that system and showed to it.
var sharedAudiences = []string{
	"sts.amazonaws.com", "sts.amazonaws.com.cn", "https://sts.amazonaws.com", "aws.workload.identity",
	"api://AzureADTokenExchange", "api://AzureADTokenExchangeUSGov", "api://AzureADTokenExchangeChina",
	"https://management.azure.com", "https://management.azure.com/", "https://management.core.windows.net/",
	"https://oauth2.googleapis.com/token", "https://accounts.google.com", "https://cloud.google.com",
	"hcp.workload.identity", "vault.workload.identity", "kubernetes.workload.identity",
	"https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local",
	"https://kubernetes.default.svc.cluster.local/", "kubernetes.default.svc", "kubernetes", "kubernetes.io", "k3s",
	"vault", "openbao", "sigstore", "pypi", "testpypi", "npm:registry.npmjs.org", "crates.io", "rubygems.org",
	"https://gitlab.com", "https://github.com",
}

// sharedAudience returns an audience that the pattern admits and that is not the workspace's alone: one of the table,
// or the issuer itself, which is what a Kubernetes API server expects of the tokens that it makes by default.
func sharedAudience(p Pattern, issuer string) (string, bool) {
	if p.Match(issuer) {
		return issuer, true
	}
	i := slices.IndexFunc(sharedAudiences, p.Match)
	if i < 0 {
		return "", false
	}
	return sharedAudiences[i], true
}

// sharedIssuer is an issuer that makes tokens for all the customers of a service, so that only the subject and the
// other claims tell them apart.
type sharedIssuer struct {
	name   string
	issuer string   // the issuer, or what it begins with up to a '/'
	owner  int      // position of the subject's segment that names the customer
	claims []string // those that name the customer by something that is never given to another
	pinned func(Pattern) bool
	advice string
}

var gitHubIDs = []string{"repository_owner_id", "repository_id", "enterprise_id"}

var sharedIssuers = []sharedIssuer{
	{
		name: "GitHub Actions", issuer: "https://token.actions.githubusercontent.com",
		owner: 1, claims: gitHubIDs, pinned: gitHubPinned,
		advice: `add the condition claims.repository_owner_id == "<number>", or use the subject repo:<owner>@<number>/…`,
	},
	{
		name: "GitLab.com", issuer: "https://gitlab.com",
		owner: 1, claims: []string{"namespace_id", "project_id"}, pinned: never,
		advice: `add the condition claims.namespace_id == "<number>"`,
	},
	{
		name: "Google", issuer: "https://accounts.google.com",
		owner: 0, claims: []string{"sub", "hd"}, pinned: googlePinned,
		advice: "use the numeric ID of the account as the subject",
	},
	{
		name: "CircleCI", issuer: "https://oidc.circleci.com",
		owner: 1, claims: []string{"oidc.circleci.com/project-id"}, pinned: circlePinned,
		advice: "use the subject org/<organization ID>/project/<project ID>/*",
	},
	{
		name: "Buildkite", issuer: "https://agent.buildkite.com",
		owner: 1, claims: []string{"organization_id", "pipeline_id"}, pinned: never,
		advice: `add the condition claims.organization_id == "<ID>"`,
	},
	{
		name: "HCP Terraform", issuer: "https://app.terraform.io",
		owner: 1, claims: []string{"terraform_organization_id", "terraform_project_id", "terraform_workspace_id"},
		pinned: never, advice: `add the condition claims.terraform_organization_id == "org-…"`,
	},
}

func sharedIssuerOf(issuer string) (sharedIssuer, bool) {
	i := slices.IndexFunc(sharedIssuers, func(s sharedIssuer) bool {
		return issuer == s.issuer || strings.HasPrefix(issuer, s.issuer+"/")
	})
	if i < 0 {
		return sharedIssuer{}, false
	}
	return sharedIssuers[i], true
}

// narrows reports whether a subject pattern names the customer: repo:*/infra:* has a whole literal segment and yet
// admits everybody's repository of that name.
func (s sharedIssuer) narrows(p Pattern) bool {
	parts := p.Parts()
	if len(parts) <= s.owner {
		return false
	}
	return s.pinned(p) || !slices.ContainsFunc(parts[:s.owner+1], func(name string) bool {
		return name == "" || strings.Contains(name, "*")
	})
}

// pins reports whether the subject pattern or the claims that the condition pins name the customer for good.
func (s sharedIssuer) pins(p Pattern, claims []string) bool {
	return s.pinned(p) || slices.ContainsFunc(claims, func(claim string) bool { return slices.Contains(s.claims, claim) })
}

func never(Pattern) bool { return false }

// gitHubPinned reads a subject by position, never by prefix: repo:<owner>@<number>/… or
// repository_owner_id:<number>:…. A login may be org-123, but no login has an '@': repo:org-123/… says a name and
// repo:org@123/… an ID.
func gitHubPinned(p Pattern) bool {
	parts := p.Parts()
	switch {
	case len(parts) < 2:
		return false
	case parts[0] == "repo":
		_, number, ok := strings.Cut(parts[1], "@")
		return ok && digits(number)
	}
	return slices.Contains(gitHubIDs, parts[0]) && digits(parts[1])
}

func googlePinned(p Pattern) bool { return digits(p.Text()) }

// circlePinned: subjects are org/<organization ID>/project/….
func circlePinned(p Pattern) bool {
	parts := p.Parts()
	return len(parts) >= 2 && parts[0] == "org" && parts[1] != "" && !strings.Contains(parts[1], "*")
}

func digits(text string) bool { return consistsOf(text, "0123456789") }
