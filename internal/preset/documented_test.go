package preset

// documented are the claims of each issuer's tokens as the page in the preset's Source describes them, with the values of
// its examples or of their form; what should be admitted beside them, and near variants that should not.
var documented = []struct {
	name, preset string
	values       map[string]string
	claims       claims
	admitted     map[string]claims
	refused      map[string]claims
}{
	{
		name: "GitHub Actions, a branch, the subject with numbers", preset: "github-actions",
		values: map[string]string{"repository": "octo-org/octo-repo", "repository-id": "456789", "owner-id": "123456", "branch": "main"},
		claims: gitHubJob("repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main"),
		refused: map[string]claims{
			"another branch":           {"sub": "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/evil"},
			"a longer branch":          {"sub": "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main2"},
			"a tag of that name":       {"sub": "repo:octo-org@123456/octo-repo@456789:ref:refs/tags/main"},
			"a pull request":           {"sub": "repo:octo-org@123456/octo-repo@456789:pull_request", "event_name": "pull_request"},
			"pull_request_target":      {"event_name": "pull_request_target"},
			"the subject with names":   {"sub": "repo:octo-org/octo-repo:ref:refs/heads/main"},
			"the name, made again":     {"sub": "repo:octo-org@123456/octo-repo@999:ref:refs/heads/main", "repository_id": "999"},
			"a claim of another":       {"repository_id": "999"},
			"another owner":            {"repository_owner_id": "999"},
			"a fork":                   {"sub": "repo:evil@666/octo-repo@777:ref:refs/heads/main", "repository_id": "777", "repository_owner_id": "666"},
			"without a repository ID":  {"repository_id": nil},
			"another instance":         {"iss": "https://github.example.com/_services/token"},
			"GitHub's own audience":    {"aud": "https://github.com/octo-org"},
			"the audience of AWS":      {"aud": "sts.amazonaws.com"},
			"another of our tenants":   {"aud": "https://nsc.example.com/w/other"},
			"a number for the ID":      {"repository_id": 456789},
			"no event":                 {"event_name": nil},
			"an environment's subject": {"sub": "repo:octo-org@123456/octo-repo@456789:environment:main"},
		},
	},
	{
		name: "GitHub Actions, an environment, the subject with names", preset: "github-actions",
		values: map[string]string{
			"repository": "octo-org/octo-repo", "repository-id": "456789", "owner-id": "123456", "environment": "Production:V1", "subject-form": "names",
			"workflow": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
		},
		claims: gitHubJob("repo:octo-org/octo-repo:environment:Production%3AV1").with(claims{
			"environment": "Production:V1", "job_workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
		}),
		refused: map[string]claims{
			"a pull request into the environment": {"event_name": "pull_request"},
			"another environment":                 {"environment": "Staging"},
			"another workflow":                    {"job_workflow_ref": "octo-org/octo-repo/.github/workflows/test.yml@refs/heads/main"},
			"the workflow of a branch":            {"job_workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/evil"},
			"the repository, made again":          {"repository_id": "999"},
			"the owner's name, taken":             {"repository_owner_id": "999"},
			"the subject with numbers":            {"sub": "repo:octo-org@123456/octo-repo@456789:environment:Production%3AV1"},
		},
	},
	{
		name: "GitHub Actions, release branches", preset: "github-actions",
		values:   map[string]string{"repository": "octo-org/octo-repo", "repository-id": "456789", "owner-id": "123456", "branch": "release/*"},
		claims:   gitHubJob("repo:octo-org@123456/octo-repo@456789:ref:refs/heads/release/1.0"),
		admitted: map[string]claims{"below": {"sub": "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/release/1/0"}},
		refused: map[string]claims{
			"main":          {"sub": "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main"},
			"release-evil":  {"sub": "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/release-evil"},
			"a tag":         {"sub": "repo:octo-org@123456/octo-repo@456789:ref:refs/tags/release/1.0"},
			"the bare name": {"sub": "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/release/"},
		},
	},
	{
		name: "GitHub Enterprise, a tag", preset: "github-actions",
		values: map[string]string{
			"repository": "octo-org/octo-repo", "repository-id": "456789", "owner-id": "123456", "tag": "demo-tag", "subject-form": "names",
			"issuer": "https://token.actions.octocorp.ghe.com",
		},
		claims:  gitHubJob("repo:octo-org/octo-repo:ref:refs/tags/demo-tag").with(claims{"iss": "https://token.actions.octocorp.ghe.com"}),
		refused: map[string]claims{"github.com": {"iss": "https://token.actions.githubusercontent.com"}, "a branch": {"sub": "repo:octo-org/octo-repo:ref:refs/heads/demo-tag"}},
	},
	{
		name: "GitLab, a protected branch", preset: "gitlab",
		values: map[string]string{"project": "acme/api", "project-id": "46573356", "branch": "main"},
		claims: gitLabJob,
		refused: map[string]claims{
			"another branch":                 {"sub": "project_path:acme/api:ref_type:branch:ref:evil", "ref": "evil"},
			"a branch that is not protected": {"ref_protected": "false"},
			"a tag of that name":             {"sub": "project_path:acme/api:ref_type:tag:ref:main", "ref_type": "tag"},
			"another project":                {"sub": "project_path:acme/web:ref_type:branch:ref:main", "project_id": "2"},
			"the path, taken by another":     {"project_id": "2"},
			"a fork":                         {"sub": "project_path:evil/api:ref_type:branch:ref:main", "project_id": "3", "namespace_id": "9"},
			"another instance":               {"iss": "https://gitlab.example.com"},
			"without a project ID":           {"project_id": nil},
			"GitLab's own audience":          {"aud": "https://gitlab.com"},
		},
	},
	{
		name: "GitLab of one's own, any tag", preset: "gitlab",
		values:   map[string]string{"project": "acme/backend/api", "project-id": "7", "tag": "*", "refs": "any", "issuer": "https://gitlab.example.com"},
		claims:   gitLabJob.with(claims{"iss": "https://gitlab.example.com", "sub": "project_path:acme/backend/api:ref_type:tag:ref:v4.2.0", "project_id": "7", "ref_type": "tag", "ref_protected": "false"}),
		admitted: map[string]claims{"a protected one": {"ref_protected": "true"}},
		refused:  map[string]claims{"a branch": {"sub": "project_path:acme/backend/api:ref_type:branch:ref:main", "ref_type": "branch"}, "GitLab.com": {"iss": "https://gitlab.com"}},
	},
	{
		name: "CircleCI, a branch", preset: "circleci",
		values:   map[string]string{"organization-id": circleOrganization, "project-id": circleProject, "vcs-origin": "github.com/acme/api", "branch": "main"},
		claims:   circleJob,
		admitted: map[string]claims{"the second form of the subject": {"sub": "org/" + circleOrganization + "/project/" + circleProject + "/user/u/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/main"}},
		refused: map[string]claims{
			"another project":      {"sub": "org/" + circleOrganization + "/project/00000000-fbdc-4d9a-93c4-ac065ed3c3ca/user/u", "oidc.circleci.com/project-id": "00000000-fbdc-4d9a-93c4-ac065ed3c3ca"},
			"another organization": {"iss": "https://oidc.circleci.com/org/00000000-6eb2-4c85-8a81-d9ee6a1fa8c2"},
			"a fork":               {"oidc.circleci.com/vcs-origin": "github.com/evil/api", "oidc.circleci.com/vcs-ref": "refs/heads/pull/7"},
			"a pull request":       {"oidc.circleci.com/vcs-ref": "refs/heads/pull/7"},
			"another branch":       {"oidc.circleci.com/vcs-ref": "refs/heads/evil"},
			"without an origin":    {"oidc.circleci.com/vcs-origin": nil},
			"its own audience":     {"aud": circleOrganization},
		},
	},
	{
		name: "CircleCI, any branch", preset: "circleci",
		values:   map[string]string{"organization-id": circleOrganization, "project-id": circleProject, "vcs-origin": "github.com/acme/api", "branch": "*"},
		claims:   circleJob,
		admitted: map[string]claims{"another branch": {"oidc.circleci.com/vcs-ref": "refs/heads/other"}},
		refused:  map[string]claims{"a fork": {"oidc.circleci.com/vcs-origin": "github.com/evil/api"}},
	},
	{
		name: "Buildkite, a branch", preset: "buildkite",
		values: map[string]string{
			"organization": "acme-inc", "organization-id": "0184990a-477b-4fa8-9968-496074483cee",
			"pipeline": "super-duper-app", "pipeline-id": "0184990a-4782-42b5-afc1-16715b10b8ff", "branch": "main",
		},
		claims:   buildkiteJob,
		admitted: map[string]claims{"a step without a key": {"sub": "organization:acme-inc:pipeline:super-duper-app:ref:refs/heads/main:commit:b5ffe3:step:", "step_key": nil}},
		refused: map[string]claims{
			"another branch":                {"sub": "organization:acme-inc:pipeline:super-duper-app:ref:refs/heads/evil:commit:9f31:step:build", "build_branch": "evil"},
			"a fork's branch":               {"sub": "organization:acme-inc:pipeline:super-duper-app:ref:refs/heads/main:commit:x:commit:9f31:step:build", "build_branch": "main:commit:x"},
			"another pipeline":              {"sub": "organization:acme-inc:pipeline:other:ref:refs/heads/main:commit:9f31:step:build", "pipeline_id": "00000000-4782-42b5-afc1-16715b10b8ff"},
			"the slug, taken by another":    {"organization_id": "00000000-477b-4fa8-9968-496074483cee"},
			"a pipeline made again":         {"pipeline_id": "00000000-4782-42b5-afc1-16715b10b8ff"},
			"the IDs were not asked for":    {"organization_id": nil, "pipeline_id": nil},
			"the audience of the default":   {"aud": "https://buildkite.com/acme-inc"},
			"a tag":                         {"sub": "organization:acme-inc:pipeline:super-duper-app:ref:refs/tags/main:commit:9f31:step:build"},
			"the audience of somebody else": {"aud": "sts.amazonaws.com"},
		},
	},
	{
		name: "HCP Terraform, apply", preset: "terraform-cloud",
		values: map[string]string{
			"organization": "my-org", "organization-id": "org-GRNbCjYNpBB6NEH9", "terraform-workspace": "my-workspace", "terraform-workspace-id": "ws-mbsd5E3Ktt5Rg2Xm",
		},
		claims:   terraformRun,
		admitted: map[string]claims{"another project": {"sub": "organization:my-org:project:Other:workspace:my-workspace:run_phase:apply"}},
		refused: map[string]claims{
			"a plan":                     {"sub": "organization:my-org:project:Default Project:workspace:my-workspace:run_phase:plan", "terraform_run_phase": "plan"},
			"another workspace":          {"sub": "organization:my-org:project:Default Project:workspace:other:run_phase:apply", "terraform_workspace_id": "ws-0000000000000000"},
			"a workspace made again":     {"terraform_workspace_id": "ws-0000000000000000"},
			"the name, taken by another": {"terraform_organization_id": "org-0000000000000000"},
			"another organization":       {"sub": "organization:evil:project:Default Project:workspace:my-workspace:run_phase:apply"},
			"another region":             {"iss": "https://app.eu.terraform.io"},
			"the audience of AWS":        {"aud": "aws.workload.identity"},
		},
	},
	{
		name: "HCP Terraform, any phase of a project", preset: "terraform-cloud",
		values: map[string]string{
			"organization": "my-org", "organization-id": "org-GRNbCjYNpBB6NEH9", "terraform-workspace": "my-workspace", "terraform-workspace-id": "ws-mbsd5E3Ktt5Rg2Xm",
			"project": "Default Project", "run-phase": "any",
		},
		claims:   terraformRun,
		admitted: map[string]claims{"a plan": {"sub": "organization:my-org:project:Default Project:workspace:my-workspace:run_phase:plan", "terraform_run_phase": "plan"}},
		refused:  map[string]claims{"another project": {"sub": "organization:my-org:project:Other:workspace:my-workspace:run_phase:apply"}},
	},
	{
		name: "Kubernetes, a service account", preset: "kubernetes",
		values: map[string]string{"issuer": "https://cluster.example.com", "namespace": "apps", "service-account": "deployer", "service-account-uid": accountUID},
		claims: clusterPod("https://cluster.example.com"),
		refused: map[string]claims{
			"another account":             {"sub": "system:serviceaccount:apps:other"},
			"another namespace":           {"sub": "system:serviceaccount:evil:deployer"},
			"a claim of another":          {"kubernetes.io": map[string]any{"namespace": "evil", "serviceaccount": map[string]any{"name": "deployer", "uid": accountUID}}},
			"the account, made again":     {"kubernetes.io": map[string]any{"namespace": "apps", "serviceaccount": map[string]any{"name": "deployer", "uid": "00000000-30e2-489a-bd19-ade97031b9db"}}},
			"another cluster":             {"iss": "https://other.example.com"},
			"the token that all pods get": {"aud": []string{"https://kubernetes.default.svc.cluster.local"}},
			"a token of the old kind":     {"kubernetes.io": nil, "kubernetes.io/serviceaccount/namespace": "apps"},
		},
	},
	{
		name: "Kubernetes, a namespace", preset: "kubernetes",
		values:   map[string]string{"issuer": "https://cluster.example.com", "namespace": "apps", "service-account": "*"},
		claims:   clusterPod("https://cluster.example.com"),
		admitted: map[string]claims{"another account": {"sub": "system:serviceaccount:apps:other"}},
		refused:  map[string]claims{"another namespace": {"sub": "system:serviceaccount:apps2:deployer"}},
	},
	{
		name: "EKS", preset: "eks",
		values:  map[string]string{"region": "us-east-1", "cluster-id": "EXAMPLED539D4633E53DE1B71EXAMPLE", "namespace": "apps", "service-account": "deployer"},
		claims:  clusterPod("https://oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"),
		refused: map[string]claims{"another cluster": {"iss": "https://oidc.eks.us-east-1.amazonaws.com/id/OTHEREXAMPLED539D4633E53DE1B71EX"}, "the audience of STS": {"aud": []string{"sts.amazonaws.com"}}},
	},
	{
		name: "GKE", preset: "gke",
		values:  map[string]string{"google-project": "acme-production", "location": "europe-west3", "cluster": "apps", "namespace": "apps", "service-account": "deployer"},
		claims:  clusterPod("https://container.googleapis.com/v1/projects/acme-production/locations/europe-west3/clusters/apps"),
		refused: map[string]claims{"another cluster": {"iss": "https://container.googleapis.com/v1/projects/acme-production/locations/europe-west3/clusters/evil"}, "another account": {"sub": "system:serviceaccount:apps:other"}},
	},
	{
		name: "AKS", preset: "aks",
		values:  map[string]string{"region": "westeurope", "entra-tenant-id": tenantID, "cluster-id": applicationID, "namespace": "apps", "service-account": "deployer"},
		claims:  clusterPod("https://westeurope.oic.prod-aks.azure.com/" + tenantID + "/" + applicationID + "/"),
		refused: map[string]claims{"without the slash": {"iss": "https://westeurope.oic.prod-aks.azure.com/" + tenantID + "/" + applicationID}, "the audience of Entra": {"aud": []string{"api://AzureADTokenExchange"}}},
	},
	{
		name: "a Google service account", preset: "google-service-account",
		values: map[string]string{"unique-id": "102939475610283746501", "email": "deployer@acme-production.iam.gserviceaccount.com"},
		claims: googleAccount,
		refused: map[string]claims{
			"another account":               {"sub": "202939475610283746501"},
			"the address, taken by another": {"sub": "302939475610283746501", "azp": "302939475610283746501"},
			"another address":               {"email": "evil@acme-production.iam.gserviceaccount.com"},
			"an address nobody verified":    {"email_verified": false},
			"without an address":            {"email": nil},
			"the other spelling of Google":  {"iss": "accounts.google.com"},
			"another audience":              {"aud": "https://service-hash-uc.a.run.app"},
		},
	},
	{
		name: "AWS", preset: "aws",
		values: map[string]string{"issuer": awsIssuer, "role-arn": "arn:aws:iam::123456789012:role/DataProcessingRole"},
		claims: awsRole,
		refused: map[string]claims{
			"another role":             {"sub": "arn:aws:iam::123456789012:role/Other"},
			"a longer name":            {"sub": "arn:aws:iam::123456789012:role/DataProcessingRole2"},
			"another account":          {"https://sts.amazonaws.com/": map[string]any{"aws_account": "210987654321"}},
			"another account's issuer": {"iss": "https://evil-456.tokens.sts.global.api.aws"},
			"another audience":         {"aud": "https://api.example.com"},
		},
	},
	{
		name: "an Azure managed identity", preset: "azure-managed-identity",
		values: map[string]string{"entra-tenant-id": tenantID, "principal-id": principalID, "application-id": applicationID},
		claims: azureToken,
		refused: map[string]claims{
			"another identity":         {"sub": "99990000-0000-1111-2222-bbbbbbbbbbbb", "oid": "99990000-0000-1111-2222-bbbbbbbbbbbb"},
			"another object":           {"oid": "99990000-0000-1111-2222-bbbbbbbbbbbb"},
			"another tenant":           {"iss": "https://login.microsoftonline.com/99990000-0000-cccc-1111-dddd2222eeee/v2.0"},
			"a claim of another":       {"tid": "99990000-0000-cccc-1111-dddd2222eeee"},
			"a token for Azure itself": {"aud": "https://management.azure.com/"},
			"another application":      {"aud": "99990000-aaaa-2222-bbbb-3333cccc4444"},
			"the older version":        {"iss": "https://sts.windows.net/" + tenantID + "/", "aud": "api://" + applicationID},
		},
	},
	{
		name: "an Azure managed identity, version 1", preset: "azure-managed-identity",
		values:  map[string]string{"entra-tenant-id": tenantID, "principal-id": principalID, "application-id": applicationID, "token-version": "1"},
		claims:  azureToken.with(claims{"iss": "https://sts.windows.net/" + tenantID + "/", "aud": "api://" + applicationID, "ver": "1.0"}),
		refused: map[string]claims{"another application": {"aud": "api://99990000-aaaa-2222-bbbb-3333cccc4444"}},
	},
	{
		name: "Fly.io", preset: "fly",
		values:   map[string]string{"organization": "example", "app": "weather-cat", "app-id": "3671581"},
		claims:   flyMachine,
		admitted: map[string]claims{"another machine": {"sub": "example:weather-cat:other-machine-1"}},
		refused: map[string]claims{
			"another app":                 {"sub": "example:weather-dog:ancient-snow-4824"},
			"the app's name, taken":       {"app_id": "9"},
			"another organization":        {"iss": "https://oidc.fly.io/evil", "sub": "evil:weather-cat:ancient-snow-4824"},
			"a longer name":               {"sub": "example:weather-cat-evil:ancient-snow-4824"},
			"the audience of AWS":         {"aud": "sts.amazonaws.com"},
			"the audience of the default": {"aud": "https://fly.io/example"},
		},
	},
	{
		name: "SPIFFE, a workload", preset: "spiffe",
		values: map[string]string{"issuer": "https://spire-oidc.example.com", "trust-domain": "example.com", "path": "/ns/apps/sa/deployer"},
		claims: claims{"iss": "https://spire-oidc.example.com", "sub": "spiffe://example.com/ns/apps/sa/deployer", "aud": []string{tenant.Issuer}},
		refused: map[string]claims{
			"another workload":     {"sub": "spiffe://example.com/ns/apps/sa/other"},
			"below":                {"sub": "spiffe://example.com/ns/apps/sa/deployer/x"},
			"another trust domain": {"sub": "spiffe://evil.example.com/ns/apps/sa/deployer"},
			"another issuer":       {"iss": "https://spire-oidc.evil.example"},
			"another audience":     {"aud": []string{"https://api.example.com"}},
		},
	},
	{
		name: "SPIFFE, a namespace", preset: "spiffe",
		values:  map[string]string{"issuer": "https://spire-oidc.example.com", "trust-domain": "example.com", "path": "/ns/apps/*"},
		claims:  claims{"iss": "https://spire-oidc.example.com", "sub": "spiffe://example.com/ns/apps/sa/deployer", "aud": tenant.Issuer},
		refused: map[string]claims{"another namespace": {"sub": "spiffe://example.com/ns/apps2/sa/deployer"}},
	},
}

const (
	circleOrganization = "c9035eb6-6eb2-4c85-8a81-d9ee6a1fa8c2"
	circleProject      = "ecc458d2-fbdc-4d9a-93c4-ac065ed3c3ca"
	accountUID         = "a709ef71-30e2-489a-bd19-ade97031b9db"
	tenantID           = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
	principalID        = "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb"
	applicationID      = "00001111-aaaa-2222-bbbb-3333cccc4444"
	awsIssuer          = "https://abc123-def456-ghi789-jkl012.tokens.sts.global.api.aws"
)

func gitHubJob(subject string) claims {
	return claims{
		"iss": "https://token.actions.githubusercontent.com", "aud": tenant.Issuer, "sub": subject, "jti": "j",
		"repository": "octo-org/octo-repo", "repository_id": "456789", "repository_owner": "octo-org", "repository_owner_id": "123456",
		"event_name": "push", "ref": "refs/heads/main", "ref_type": "branch", "repository_visibility": "private",
		"runner_environment": "github-hosted", "job_workflow_ref": "octo-org/octo-repo/.github/workflows/oidc.yml@refs/heads/main",
	}
}

func clusterPod(issuer string) claims {
	return claims{
		"iss": issuer, "aud": []string{tenant.Issuer}, "sub": "system:serviceaccount:apps:deployer", "jti": "j",
		"kubernetes.io": map[string]any{
			"namespace": "apps", "serviceaccount": map[string]any{"name": "deployer", "uid": accountUID},
			"pod": map[string]any{"name": "deployer-0", "uid": "900f80ed-bafe-49f0-9ae2-c5f0a3ac2cbe"},
		},
	}
}

var (
	gitLabJob = claims{
		"iss": "https://gitlab.com", "aud": tenant.Issuer, "sub": "project_path:acme/api:ref_type:branch:ref:main", "jti": "j",
		"namespace_id": "68413579", "namespace_path": "acme", "project_id": "46573356", "project_path": "acme/api",
		"pipeline_source": "push", "ref": "main", "ref_path": "refs/heads/main", "ref_protected": "true", "ref_type": "branch",
	}
	circleJob = claims{
		"iss": "https://oidc.circleci.com/org/" + circleOrganization, "aud": tenant.Issuer,
		"sub":                          "org/" + circleOrganization + "/project/" + circleProject + "/user/3a0e6f0f-0000-4c85-8a81-d9ee6a1fa8c2",
		"oidc.circleci.com/project-id": circleProject, "oidc.circleci.com/org-id": circleOrganization,
		"oidc.circleci.com/context-ids": []string{"58bef0c1-399d-49ca-a5ba-2f4317e4224d"},
		"oidc.circleci.com/vcs-origin":  "github.com/acme/api", "oidc.circleci.com/vcs-ref": "refs/heads/main",
		"oidc.circleci.com/ssh-rerun": false,
	}
	buildkiteJob = claims{
		"iss": "https://agent.buildkite.com", "aud": tenant.Issuer, "jti": "j",
		"sub":               "organization:acme-inc:pipeline:super-duper-app:ref:refs/heads/main:commit:9f3182061f1e2cca4702c368cbc039b7dc9d4485:step:build",
		"organization_slug": "acme-inc", "pipeline_slug": "super-duper-app", "build_branch": "main", "build_number": 1, "step_key": "build",
		"organization_id": "0184990a-477b-4fa8-9968-496074483cee", "pipeline_id": "0184990a-4782-42b5-afc1-16715b10b8ff",
	}
	terraformRun = claims{
		"iss": "https://app.terraform.io", "aud": tenant.Issuer, "jti": "1192426d-b525-4fde-9d42-f238be437bbd",
		"sub":                       "organization:my-org:project:Default Project:workspace:my-workspace:run_phase:apply",
		"terraform_organization_id": "org-GRNbCjYNpBB6NEH9", "terraform_organization_name": "my-org",
		"terraform_workspace_id": "ws-mbsd5E3Ktt5Rg2Xm", "terraform_workspace_name": "my-workspace", "terraform_run_phase": "apply",
	}
	googleAccount = claims{
		"iss": "https://accounts.google.com", "aud": tenant.Issuer, "sub": "102939475610283746501", "azp": "102939475610283746501",
		"email": "deployer@acme-production.iam.gserviceaccount.com", "email_verified": true,
		"google": map[string]any{"compute_engine": map[string]any{"project_id": "acme-production", "instance_id": "152986662232938449"}},
	}
	awsRole = claims{
		"iss": awsIssuer, "aud": tenant.Issuer, "sub": "arn:aws:iam::123456789012:role/DataProcessingRole", "jti": "xyz123",
		"https://sts.amazonaws.com/": map[string]any{"aws_account": "123456789012", "source_region": "us-east-1", "org_id": "o-abc1234567"},
	}
	azureToken = claims{
		"iss": "https://login.microsoftonline.com/" + tenantID + "/v2.0", "aud": applicationID, "sub": principalID, "oid": principalID,
		"tid": tenantID, "idtyp": "app", "ver": "2.0",
	}
	flyMachine = claims{
		"iss": "https://oidc.fly.io/example", "aud": tenant.Issuer, "sub": "example:weather-cat:ancient-snow-4824",
		"app_id": "3671581", "app_name": "weather-cat", "org_id": "29873298", "org_name": "example",
		"machine_id": "3d8d377ce9e398", "machine_name": "ancient-snow-4824", "region": "yyz",
	}
)
