package kubernetes

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"text/template"
)

// A cluster is a kube-apiserver over an etcd: a Kubernetes without nodes, whose whole surface for tokens is there.
type cluster struct {
	url       string // where it is served; also the issuer of its service accounts' tokens
	ca        *authority
	kubectl   program // without a credential
	admin     program // kubectl as a member of system:masters
	anonymous *http.Client
}

// A trustedIssuer is one entry of the authentication configuration.
type trustedIssuer struct {
	URL string
	CA  string // PEM
}

// startCluster starts etcd and a kube-apiserver that trusts the issuers, and fills it with testdata/objects.yaml.
func (l *lab) startCluster(ctx context.Context, programs string, ca *authority, issuers []trustedIssuer) (*cluster, error) {
	etcdURL, err := l.startEtcd(ctx)
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	c := &cluster{
		url:       "https://127.0.0.1:" + ports[0],
		ca:        ca,
		anonymous: httpsClient(ca.pool()),
	}
	if err := l.configureKubectl(c, filepath.Join(programs, "kubectl")); err != nil {
		return nil, err
	}
	args, err := l.configureAPIServer(c, ports[0], etcdURL, issuers)
	if err != nil {
		return nil, err
	}
	server, err := l.start("kube-apiserver", exec.Command(filepath.Join(programs, "kube-apiserver"), args...))
	if err != nil {
		return nil, err
	}
	return c, server.waitUntil(ctx, func(ctx context.Context) error {
		_, err := c.admin.output(ctx, "get", "--raw", "/readyz")
		return err
	})
}

func (l *lab) startEtcd(ctx context.Context) (url string, err error) {
	ports, err := freePorts(2)
	if err != nil {
		return "", err
	}
	url, peers := "http://127.0.0.1:"+ports[0], "http://127.0.0.1:"+ports[1]
	etcd, err := l.start("etcd", exec.Command("etcd", "--data-dir", filepath.Join(l.dir, "etcd"),
		"--listen-client-urls", url, "--advertise-client-urls", url,
		"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", "default="+peers))
	if err != nil {
		return "", err
	}
	return url, etcd.waitUntil(ctx, func(ctx context.Context) error {
		return wantStatus(http.StatusOK)(get(ctx, http.DefaultClient, url+"/health", ""))
	})
}

func (l *lab) configureAPIServer(c *cluster, port, etcdURL string, issuers []trustedIssuer) (args []string, err error) {
	serving, err := c.ca.issue("kube-apiserver", pkix.Name{CommonName: "kube-apiserver"})
	if err != nil {
		return nil, err
	}
	signing := filepath.Join(l.dir, "service-accounts.key")
	key, err := rsa.GenerateKey(rand.Reader, 2048) // RSA, as kubeadm's
	if err != nil {
		return nil, err
	}
	if err := writeKey(signing, key); err != nil {
		return nil, err
	}
	authentication, err := l.render("authentication.yaml", issuers)
	if err != nil {
		return nil, err
	}
	return []string{
		"--etcd-servers", etcdURL,
		"--bind-address", "127.0.0.1", "--secure-port", port,
		"--tls-cert-file", serving.cert, "--tls-private-key-file", serving.key,
		"--client-ca-file", c.ca.file(),
		"--authentication-config", authentication,
		"--authorization-mode", "RBAC",
		"--service-account-issuer", c.url,
		"--service-account-jwks-uri", c.url + "/openid/v1/jwks",
		"--service-account-signing-key-file", signing, "--service-account-key-file", signing,
		"--service-cluster-ip-range", "10.0.0.0/24",
		"--endpoint-reconciler-type", "none", // it refuses loopback, and nobody looks for the API server by its service
	}, nil
}

func (l *lab) configureKubectl(c *cluster, path string) error {
	admin, err := c.ca.issue("admin", pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}})
	if err != nil {
		return err
	}
	home, err := l.folder("kubectl-home")
	if err != nil {
		return err
	}
	c.kubectl = program{path: path, env: []string{"HOME=" + home, "KUBECONFIG=" + os.DevNull}}.
		with("--server", c.url, "--certificate-authority", c.ca.file())
	c.admin = c.kubectl.with("--client-certificate", admin.cert, "--client-key", admin.key)
	return nil
}

// fill creates testdata/objects.yaml, where group is whom the role binding names.
func (l *lab) fill(ctx context.Context, c *cluster, group string) error {
	objects, err := l.render("objects.yaml", group)
	if err != nil {
		return err
	}
	if _, err := c.admin.output(ctx, "create", "-f", objects); err != nil {
		return err
	}
	// The authorizer learns of a binding a moment after it is written.
	return waitFor(ctx, func(ctx context.Context) error {
		return wantStatus(http.StatusOK)(get(ctx, c.anonymous, c.url+"/.well-known/openid-configuration", ""))
	})
}

// serviceAccountToken asks the API server for a token, as a pod's projected volume does.
func (c *cluster) serviceAccountToken(t *testing.T, account, audience string) string {
	t.Helper()
	args := []string{"create", "token", account, "--namespace", "apps", "--duration", "10m"}
	if audience != "" {
		args = append(args, "--audience", audience)
	}
	return firstLine(c.admin.run(t, args...))
}

// listConfigMaps returns the status with which the API server answers the bearer.
func (c *cluster) listConfigMaps(ctx context.Context, token string) (status int, body string, err error) {
	return get(ctx, c.anonymous, c.url+"/api/v1/namespaces/apps/configmaps", token)
}

// render fills in a template of testdata and returns the file's path.
func (l *lab) render(name string, values any) (path string, err error) {
	page, err := template.New(name).Funcs(template.FuncMap{"json": asJSON}).ParseFiles(filepath.Join("testdata", name))
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	if err := page.Execute(&text, values); err != nil {
		return "", err
	}
	path = filepath.Join(l.dir, name)
	return path, os.WriteFile(path, text.Bytes(), 0o600)
}

// asJSON quotes a value for YAML, of which JSON is a part.
func asJSON(value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("quote: %w", err)
	}
	return string(text), nil
}
