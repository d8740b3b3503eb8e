package web

import (
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// The examples of the document tell one story: the workspace acme lets a repository's jobs call its API.
const (
	exampleWorkspaceID = "agolopjsdawfniaebnoh7uduj4"
	exampleUser        = "workspace/" + exampleWorkspaceID + "/user/agolopkfub2kttakbixrwswhx4"
	exampleTokenID     = "agolopkbxawbssvvgrpr6ygwb4"
	exampleAudience    = "https://api.example.com"
	exampleIssuer      = "https://token.actions.githubusercontent.com"
	exampleJob         = "repo:acme/api:ref:refs/heads/main"
)

var exampleTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

var exampleGrants = []grantBody{{ResourceType: "audience", ResourceID: exampleAudience, Actions: []string{"issue"}}}

var exampleWorkspace = workspaceBody{
	ID: exampleWorkspaceID, Name: "acme", Issuer: "https://nsc.example.com/w/acme", CreatedAt: exampleTime,
}

var exampleWorkspaceRequest = workspaceRequest{
	Name:  "acme",
	Owner: ownerRequest{Issuer: "https://nsc.example.com/w/people", Subject: exampleUser},
}

var exampleCaller = callerBody{
	Subject: exampleUser, Workspace: "acme", WorkspaceID: exampleWorkspaceID, Issuer: exampleWorkspace.Issuer,
	Grants:   []grantBody{{ResourceType: "workspace", ResourceID: "*", Actions: []string{"admin"}}},
	ClientID: exampleUser, ExpiresAt: exampleTime.Add(time.Hour),
}

var exampleTrust = trustBody{
	ID: "agolopjwaadyxgvd2c2vcu4hie", Issuer: exampleIssuer, SubjectMatch: exampleJob, Audience: "",
	Condition: `claims.repository_owner_id == "1234"`, Grants: exampleGrants,
	DefaultDuration: "15m0s", MaxDuration: "1h0m0s", MaxLifetime: "24h0m0s", Enabled: true,
	KeySource: keySourceBody{Kind: identity.Discovery}, Version: 1, Revision: 1,
	CreatedBy: exampleUser, CreatedAt: exampleTime, UpdatedBy: exampleUser, UpdatedAt: exampleTime,
}

var exampleTrustChange = trustChange{
	Issuer: new(exampleIssuer), SubjectMatch: new(exampleJob), Condition: new(`claims.repository_owner_id == "1234"`), Grants: &exampleGrants,
}

var exampleTrustUpdate = trustChange{MaxDuration: new(span("30m")), Description: new("jobs of the main branch")}

var exampleRevocable = revocableBody{
	ID: "agolopj52c6lk4olb3kgm6gybq", Name: "old build server",
	Subject: identity.WorkloadSubject(exampleWorkspaceID, "agolopj52c6lk4olb3kgm6gybq"), Grants: exampleGrants,
	CreatedBy: exampleUser, CreatedAt: exampleTime, RefreshedAt: exampleTime, ExpiresAt: exampleTime.Add(90 * day), Revision: 1,
}

// exampleNewRevocable shows where the secret is, without looking like one to what searches for leaks.
var exampleNewRevocable = func() revocableBody {
	created := exampleRevocable
	created.Token = "nsrt_…"
	return created
}()

var exampleUnreached = unreachedBody{Unreachable: exampleCutOffResult.Unreachable}

var exampleRefreshed = refreshedBody{exampleNewRevocable, exampleUnreached}

var exampleRevocableRequest = revocableRequest{Name: "old build server", Grants: exampleGrants, ExpiresIn: new(span("12w"))}

var exampleKey = keyBody{
	ID: "agolopjz5bofbzajslg45rczkm", Algorithm: "ES256", State: keys.Published, CreatedAt: exampleTime, ActiveAt: exampleTime.Add(day),
}

var exampleCutOff = cutOffBody{
	ID: "agolopj52c6lk4olb3kgm6gybq", Kind: workspace.CutToken, Value: exampleTokenID, Reason: "laptop stolen",
	CreatedBy: exampleUser, CreatedAt: exampleTime, ExpiresAt: new(exampleTime.Add(day)),
}

var exampleCutOffRequest = cutOffRequest{Token: exampleTokenID, Reason: "laptop stolen"}

var exampleCutOffResult = cutOffResult{
	ID: exampleCutOff.ID, Unreachable: []unreachableBody{{Audience: exampleAudience, Count: 1, Latest: exampleTime.Add(5 * time.Minute)}},
}

var exampleEvent = eventBody{
	ID: exampleTokenID, Time: exampleTime, WorkspaceID: exampleWorkspaceID, Kind: audit.TokenIssued, Address: "192.0.2.7",
	Subject: identity.ExternalSubject(exampleWorkspaceID, exampleIssuer, exampleJob),
	Token: &eventToken{
		ID: exampleTokenID, Type: "id_token", Audience: exampleAudience, Subject: identity.ExternalSubject(exampleWorkspaceID, exampleIssuer, exampleJob),
		Algorithm: "ES256", KeyID: exampleKey.ID, ExpiresAt: exampleTime.Add(5 * time.Minute),
		PayloadHash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	},
	Upstream: &eventUpstream{Issuer: exampleIssuer, Subject: exampleJob, TokenID: "3f1f2f9e-4c1e-4c3a-9a55-0c4d1f0b7a11"},
	Trusts:   []eventTrust{{ID: exampleTrust.ID, Version: 1}},
}
