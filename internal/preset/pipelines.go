package preset

import "strings"

// pipelines returns the presets of continuous integration.
func pipelines() []Preset {
	return []Preset{gitHubActions(), gitLab(), circleCI(), buildkite(), terraformCloud()}
}

var (
	repository  = newForm("owner/name", `[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?/[A-Za-z0-9._-]{1,100}`)
	environment = newForm("letters, digits, spaces, '-', '_', '.', '/' and ':'", `[A-Za-z0-9_.-](?:[A-Za-z0-9_./: -]*[A-Za-z0-9_./:-])?`)
	workflow    = newForm("owner/name/.github/workflows/file.yml@refs/heads/main", `[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+\.ya?ml@refs/[A-Za-z0-9._/@#+-]+`)
	subjectForm = oneWord("ids|names")
)

// gitHubActions: the subject has two forms. Repositories that were created, renamed or transferred since 15 July 2026, or
// whose owner chose so, have the numbers of owner and repository in it.
func gitHubActions() Preset {
	return Preset{
		Name: "github-actions", Title: "GitHub Actions", Guide: "github-actions.md",
		Source: "https://docs.github.com/en/actions/reference/security/oidc",
		Pins: "owner and repository by their numbers, since names are given up and taken by others; never a pull request, " +
			"whose code others wrote",
		Parameters: []Parameter{
			{Name: "repository", Meaning: "owner and name of the repository", Required: true, Example: "acme/api", form: repository},
			{Name: "repository-id", Meaning: "the repository's number (gh api repos/acme/api --jq .id)", Required: true, Example: "456789", form: number},
			{Name: "owner-id", Meaning: "the number of its owner (gh api repos/acme/api --jq .owner.id)", Required: true, Example: "123456", form: number},
			{Name: "branch", Meaning: "branch whose jobs are admitted", Example: "main", form: refs},
			{Name: "tag", Meaning: "tag whose jobs are admitted", Example: "v1.2.3", form: refs},
			{Name: "environment", Meaning: "environment whose jobs are admitted; their subject has no branch", Example: "production", form: environment},
			{Name: "subject-form", Meaning: "ids where the subject has the numbers (the default of new repositories), names where it has not", Default: "ids", Example: "names", form: subjectForm},
			{Name: "workflow", Meaning: "the only workflow file that is admitted, as in the claim job_workflow_ref", Example: "acme/api/.github/workflows/deploy.yml@refs/heads/main", form: workflow},
			{Name: "issuer", Meaning: "the issuer of GitHub Enterprise", Default: "https://token.actions.githubusercontent.com", Example: "https://token.actions.octocorp.ghe.com", form: issuerURL},
		},
		build: func(g given) (draft, error) {
			what, name, err := g.oneOf("branch", "tag", "environment")
			if err != nil {
				return draft{}, err
			}
			owner, repo, _ := strings.Cut(g["repository"], "/")
			if g["subject-form"] == "ids" {
				owner, repo = owner+"@"+g["owner-id"], repo+"@"+g["repository-id"]
			}
			d := draft{issuer: g["issuer"], pins: []string{
				equal(g["repository-id"], "repository_id"), equal(g["owner-id"], "repository_owner_id"),
				// A job of an environment has the environment's subject for pull requests, too.
				"!(" + claim("event_name") + ` in ["pull_request", "pull_request_target"])`,
			}}
			d.subject = "repo:" + owner + "/" + repo + map[string]string{
				"branch": ":ref:refs/heads/", "tag": ":ref:refs/tags/", "environment": ":environment:",
			}[what] + strings.ReplaceAll(name, ":", "%3A") // as GitHub writes a colon within a name
			if what == "environment" {
				d.pins = append(d.pins, equal(name, "environment"))
			}
			if file := g["workflow"]; file != "" {
				d.pins = append(d.pins, equal(file, "job_workflow_ref"))
			}
			return d, nil
		},
	}
}

func gitLab() Preset {
	return Preset{
		Name: "gitlab", Title: "GitLab CI/CD", Guide: "gitlab.md",
		Source: "https://docs.gitlab.com/ci/secrets/id_token_authentication/",
		Pins: "the project by its number, since paths are given up and taken by others; and protected refs, which not " +
			"everybody with an account may push to",
		Parameters: []Parameter{
			{Name: "project", Meaning: "path of the project", Required: true, Example: "acme/api", form: newForm("group/project", slugPattern+`(?:/`+slugPattern+`)+`)},
			{Name: "project-id", Meaning: "the project's number", Required: true, Example: "46573356", form: number},
			{Name: "branch", Meaning: "branch whose jobs are admitted", Example: "main", form: refs},
			{Name: "tag", Meaning: "tag whose jobs are admitted", Example: "v1.2.3", form: refs},
			{Name: "refs", Meaning: "protected, or any to admit refs that are not protected, too", Default: "protected", Example: "any", form: oneWord("protected|any")},
			{Name: "issuer", Meaning: "URL of the GitLab instance", Default: "https://gitlab.com", Example: "https://gitlab.example.com", form: issuerURL},
		},
		build: func(g given) (draft, error) {
			kind, name, err := g.oneOf("branch", "tag")
			if err != nil {
				return draft{}, err
			}
			d := draft{
				issuer:  g["issuer"],
				subject: "project_path:" + g["project"] + ":ref_type:" + kind + ":ref:" + name,
				pins:    []string{equal(g["project-id"], "project_id"), equal(kind, "ref_type")},
			}
			if g["refs"] == "protected" {
				d.pins = append(d.pins, equal("true", "ref_protected"))
			}
			return d, nil
		},
	}
}

func circleCI() Preset {
	const namespace = "oidc.circleci.com/"
	return Preset{
		Name: "circleci", Title: "CircleCI", Guide: "circleci.md",
		Source: "https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/",
		Pins:   "organization and project by their UUIDs, and the repository that the code came from: a fork's builds have the project's ID, too",
		Parameters: []Parameter{
			{Name: "organization-id", Meaning: "the organization's ID", Required: true, Example: "c9035eb6-6eb2-4c85-8a81-d9ee6a1fa8c2", form: uuid},
			{Name: "project-id", Meaning: "the project's ID", Required: true, Example: "ecc458d2-fbdc-4d9a-93c4-ac065ed3c3ca", form: uuid},
			{Name: "vcs-origin", Meaning: "the repository that the code came from", Required: true, Example: "github.com/acme/api", form: newForm("host/owner/name", hostPattern+`(?:/[A-Za-z0-9._-]+)+`)},
			{Name: "branch", Meaning: "branch whose jobs are admitted, or *", Required: true, Example: "main", form: newForm("the name of a branch without refs/, or *", `\*|`+refPattern)},
		},
		build: func(g given) (draft, error) {
			d := draft{
				issuer:  "https://oidc.circleci.com/org/" + g["organization-id"],
				subject: "org/" + g["organization-id"] + "/project/" + g["project-id"] + "/*",
				pins:    []string{equal(g["project-id"], namespace+"project-id"), equal(g["vcs-origin"], namespace+"vcs-origin")},
			}
			if g["branch"] != "*" {
				d.pins = append(d.pins, equal("refs/heads/"+g["branch"], namespace+"vcs-ref"))
			}
			return d, nil
		},
	}
}

// buildkite: the branch is in the subject, whose segments it may break: a build of a fork has "somebody:branch". The claim
// beside it decides.
func buildkite() Preset {
	return Preset{
		Name: "buildkite", Title: "Buildkite", Guide: "buildkite.md",
		Source: "https://buildkite.com/docs/agent/cli/reference/oidc",
		Pins:   "organization and pipeline by their UUIDs, since slugs change hands; and the branch, which a fork's build does not have",
		Parameters: []Parameter{
			{Name: "organization", Meaning: "slug of the organization", Required: true, Example: "acme", form: slug},
			{Name: "organization-id", Meaning: "the organization's UUID", Required: true, Example: "0184990a-477b-4fa8-9968-496074483cee", form: uuid},
			{Name: "pipeline", Meaning: "slug of the pipeline", Required: true, Example: "api", form: slug},
			{Name: "pipeline-id", Meaning: "the pipeline's UUID", Required: true, Example: "0184990a-4782-42b5-afc1-16715b10b8ff", form: uuid},
			{Name: "branch", Meaning: "branch whose builds are admitted", Required: true, Example: "main", form: ref},
		},
		build: func(g given) (draft, error) {
			return draft{
				issuer:  "https://agent.buildkite.com",
				subject: "organization:" + g["organization"] + ":pipeline:" + g["pipeline"] + ":ref:refs/heads/" + g["branch"] + ":commit:*",
				pins: []string{
					equal(g["organization-id"], "organization_id"), equal(g["pipeline-id"], "pipeline_id"), equal(g["branch"], "build_branch"),
				},
			}, nil
		},
	}
}

func terraformCloud() Preset {
	id := func(prefix string) form {
		return newForm(prefix+"-… as HCP Terraform shows it", prefix+`-[A-Za-z0-9]{8,40}`)
	}
	return Preset{
		Name: "terraform-cloud", Title: "HCP Terraform (Terraform Cloud)", Guide: "terraform-cloud.md",
		Source: "https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens",
		Pins: "organization and workspace by their IDs, since names change hands; and the apply phase, because a plan runs for " +
			"code that nobody has approved",
		Parameters: []Parameter{
			{Name: "organization", Meaning: "name of the organization", Required: true, Example: "acme", form: slug},
			{Name: "organization-id", Meaning: "the organization's ID", Required: true, Example: "org-GRNbCjYNpBB6NEH9", form: id("org")},
			{Name: "project", Meaning: "name of the project; any of the organization's where it is left out", Example: "Default Project", form: title},
			{Name: "terraform-workspace", Meaning: "name of the Terraform workspace", Required: true, Example: "production", form: slug},
			{Name: "terraform-workspace-id", Meaning: "the Terraform workspace's ID", Required: true, Example: "ws-mbsd5E3Ktt5Rg2Xm", form: id("ws")},
			{Name: "run-phase", Meaning: "apply, plan, or any", Default: "apply", Example: "plan", form: oneWord("apply|plan|any")},
			{Name: "issuer", Meaning: "URL of the HCP Terraform region or of Terraform Enterprise", Default: "https://app.terraform.io", Example: "https://app.eu.terraform.io", form: issuerURL},
		},
		build: func(g given) (draft, error) {
			project, phase := g["project"], g["run-phase"]
			if project == "" {
				project = "*" // stays within its segment
			}
			d := draft{issuer: g["issuer"], pins: []string{
				equal(g["organization-id"], "terraform_organization_id"), equal(g["terraform-workspace-id"], "terraform_workspace_id"),
			}}
			if phase == "any" {
				phase = "*"
			} else {
				d.pins = append(d.pins, equal(phase, "terraform_run_phase"))
			}
			d.subject = "organization:" + g["organization"] + ":project:" + project + ":workspace:" + g["terraform-workspace"] + ":run_phase:" + phase
			return d, nil
		},
	}
}
