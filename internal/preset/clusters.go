package preset

// clusters returns the presets of Kubernetes: one for any cluster, and three that know the issuer's form.
func clusters() []Preset {
	issuer := Parameter{Name: "issuer", Meaning: "the cluster's issuer (kubectl get --raw /.well-known/openid-configuration)", Required: true, Example: "https://cluster.example.com", form: issuerURL}
	region := Parameter{Name: "region", Meaning: "region of the cluster", Required: true, Example: "eu-central-1", form: label}
	return []Preset{
		kubernetes("kubernetes", "Kubernetes, any cluster",
			[]Parameter{issuer}, func(g given) string { return g["issuer"] }),
		kubernetes("eks", "Amazon EKS",
			[]Parameter{region, {Name: "cluster-id", Meaning: "the last part of the cluster's issuer (aws eks describe-cluster --query cluster.identity.oidc.issuer)", Required: true, Example: "EXAMPLED539D4633E53DE1B71EXAMPLE", form: newForm("32 capital letters and digits", `[0-9A-Z]{32}`)}},
			func(g given) string {
				return "https://oidc.eks." + g["region"] + ".amazonaws.com/id/" + g["cluster-id"]
			}),
		kubernetes("gke", "Google Kubernetes Engine",
			[]Parameter{
				{Name: "google-project", Meaning: "ID of the cluster's project", Required: true, Example: "acme-production", form: label},
				{Name: "location", Meaning: "region or zone of the cluster", Required: true, Example: "europe-west3", form: label},
				{Name: "cluster", Meaning: "name of the cluster", Required: true, Example: "apps", form: label},
			},
			func(g given) string {
				return "https://container.googleapis.com/v1/projects/" + g["google-project"] + "/locations/" + g["location"] + "/clusters/" + g["cluster"]
			}),
		kubernetes("aks", "Azure Kubernetes Service",
			[]Parameter{
				region,
				{Name: "entra-tenant-id", Meaning: "ID of the Entra tenant", Required: true, Example: "aaaabbbb-0000-cccc-1111-dddd2222eeee", form: uuid},
				{Name: "cluster-id", Meaning: "the last part of the cluster's issuer (az aks show --query oidcIssuerProfile.issuerUrl)", Required: true, Example: "00001111-aaaa-2222-bbbb-3333cccc4444", form: uuid},
			},
			func(g given) string { // the slash at the end is part of it
				return "https://" + g["region"] + ".oic.prod-aks.azure.com/" + g["entra-tenant-id"] + "/" + g["cluster-id"] + "/"
			}),
	}
}

// kubernetes is about service accounts. Their names are the cluster's own, and whoever may make one again of the same name
// may as well start a pod with it: so the account's UID is pinned where it is given, and not asked for.
func kubernetes(name, title string, cluster []Parameter, issuer func(given) string) Preset {
	const claims = "kubernetes.io"
	return Preset{
		Name: name, Title: title, Guide: "kubernetes.md",
		Source: "https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/",
		Pins:   "the cluster by its issuer, the namespace, and the service account by its name; by its UID where that is given",
		Parameters: append(cluster,
			Parameter{Name: "namespace", Meaning: "namespace of the service account", Required: true, Example: "apps", form: label},
			Parameter{Name: "service-account", Meaning: "name of the service account, or * for all of the namespace", Required: true, Example: "deployer", form: newForm("lower-case letters, digits, '-' and '.', or *", `\*|`+hostPattern)},
			Parameter{Name: "service-account-uid", Meaning: "UID of the service account: one that is made again under its name is another", Example: "a709ef71-30e2-489a-bd19-ade97031b9db", form: uuid},
		),
		build: func(g given) (draft, error) {
			d := draft{
				issuer:  issuer(g),
				subject: "system:serviceaccount:" + g["namespace"] + ":" + g["service-account"],
				pins:    []string{equal(g["namespace"], claims, "namespace")},
			}
			uid := g["service-account-uid"]
			if uid != "" && g["service-account"] == "*" {
				return draft{}, &Error{Parameter: "service-account-uid", Problem: "is that of one service account; name it in service-account"}
			}
			if uid != "" {
				d.pins = append(d.pins, equal(uid, claims, "serviceaccount", "uid"))
			}
			return d, nil
		},
	}
}
