// Package kubernetes holds nsc against a real kube-apiserver, in both directions.
//
// In: a service account's token, minted by the API server for a workspace's issuer, is exchanged for an nsc token.
// Out: an nsc ID token for the audience `kubernetes` opens the API server, by its structured authentication
// configuration and by RBAC on the groups that the token carries. And what should not get in is shown not to, by
// tokens that differ in one property from one that does.
//
// The tests know nsc only as its users do: its command line, its token endpoint and its discovery document. The
// folder is a module of its own, and so is apiserver/, which pins Kubernetes: neither reaches the main module.
package kubernetes
