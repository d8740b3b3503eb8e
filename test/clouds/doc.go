// Package clouds lets the clouds' own clients use nsc's ID tokens: aws-sdk-go-v2's web identity provider and process
// credentials, Google's external accounts, Azure's WorkloadIdentityCredential, and the jwt auth method that Vault runs.
//
// The clients are real, and so is Vault's plugin. AWS STS, Google's security token service and Entra ID are stand-ins
// that know one issuer's URL and find its keys by discovery and JWKS. They demand what the clouds' documentation says of
// algorithms, audiences, subjects and times, and answer a refusal in the cloud's words. What a cloud does beyond that is
// not known here.
//
// Every test follows a guide in docs/guide: the commands there that are nsc's run as they are written, those for the
// cloud are run against a program that writes down its arguments, from which the stand-in is set up, and scripts, trust
// policies and configuration files are taken from the page. Only names of hosts and folders are replaced. Then a token
// that differs in a single property from the one that is admitted must stay out.
package clouds
