package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

const (
	caLife    = 10 * 365 * 24 * time.Hour
	leafLife  = 90 * 24 * time.Hour
	leafRenew = 30 * 24 * time.Hour // before its end
)

// selfSigned is a certificate authority of our own in the data folder, for --tls-self-signed. Clients trust its ca.pem,
// which stays the same over restarts; the certificates below it are made as they are needed.
type selfSigned struct {
	ca    *x509.Certificate
	key   *ecdsa.PrivateKey
	hosts []string

	mu   sync.Mutex
	leaf *tls.Certificate
}

func openSelfSigned(dir string, hosts []string) (*selfSigned, error) {
	s := &selfSigned{hosts: hosts}
	err := s.load(dir)
	if errors.Is(err, os.ErrNotExist) {
		err = s.create(dir)
	}
	if err != nil {
		return nil, failure.Wrap(failure.Failed, err, "certificate authority "+filepath.Join(dir, "ca.pem")+": "+err.Error(),
			"restore ca.pem and ca-key.pem from a backup, or remove both: a new authority is made, which clients must be given")
	}
	return s, nil
}

func (s *selfSigned) load(dir string) error {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca-key.pem"))
	if err != nil {
		return err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return errors.New("ca-key.pem is not an ECDSA key")
	}
	s.ca, s.key = pair.Leaf, key
	return nil
}

func (s *selfSigned) create(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "nsc self-signed CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if s.ca, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	s.key = key
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	// The key first: a certificate without its key would be loaded, and fail, at every later start.
	err = replaceFile(filepath.Join(dir, "ca-key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // the system has no randomness
	}
	return n
}

// certificate returns a certificate for our hosts, renewed before its end.
func (s *selfSigned) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaf != nil && time.Until(s.leaf.Leaf.NotAfter) > leafRenew {
		return s.leaf, nil
	}
	leaf, err := s.issue()
	if err == nil {
		s.leaf = leaf
	}
	return leaf, err
}

func (s *selfSigned) issue() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: s.hosts[0]},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range s.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, s.ca, key.Public(), s.key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der, s.ca.Raw}, PrivateKey: key, Leaf: parsed}, err
}

// ownHosts returns the names under which the server is reached, for its certificate.
func ownHosts(baseURL string) []string {
	hosts := []string{"127.0.0.1", "::1", "localhost"}
	if u, err := url.Parse(baseURL); err == nil && u.Hostname() != "" {
		return leading(u.Hostname(), hosts)
	}
	return hosts
}

// leading returns a list that begins with a name, and names it once.
func leading(name string, list []string) []string {
	return append([]string{name}, slices.DeleteFunc(list, func(n string) bool { return n == name })...)
}
