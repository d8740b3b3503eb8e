package server

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/nsc-federation/nsc/internal/failure"
)

// tlsConfig returns how HTTPS is served: with the configured files, by ACME, or with a certificate of our own.
func (n *node) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if n.config.TLSCertFile != "" {
		files, err := openCertificateFiles(n.config.TLSCertFile, n.config.TLSKeyFile, n.log)
		if err != nil {
			return nil, err
		}
		c.GetCertificate = files.certificate
		return c, nil
	}
	if n.config.ACME {
		manager, err := openACME(n.config)
		if err != nil {
			return nil, err
		}
		n.acme = manager
		c.GetCertificate, c.NextProtos = manager.GetCertificate, append(c.NextProtos, acme.ALPNProto)
		return c, nil
	}
	authority, err := openSelfSigned(n.config.DataDir, ownHosts(n.baseURL))
	if err != nil {
		return nil, err
	}
	c.GetCertificate = authority.certificate
	return c, nil
}

// lookEvery is how often the certificate's files are looked at, at most.
const lookEvery = 2 * time.Second

// certificateFiles is a certificate that is read again when its files change. A pair that cannot be read, as when one of
// the two is already new, leaves the old one in place.
type certificateFiles struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	seen   [2]time.Time // modification times of what was read
	looked time.Time
}

func openCertificateFiles(cert, key string, log *slog.Logger) (*certificateFiles, error) {
	f := &certificateFiles{cert: cert, key: key, log: log}
	if err := f.read(); err != nil {
		return nil, failure.Wrap(failure.Failed, err, "tls_cert_file "+cert+": "+err.Error(),
			"tls_cert_file and tls_key_file must name the PEM files of a certificate chain and of its private key, which this user may read")
	}
	return f, nil
}

func (f *certificateFiles) read() error {
	seen := f.times()
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return err
	}
	f.loaded, f.seen = &pair, seen
	return nil
}

func (f *certificateFiles) times() (times [2]time.Time) {
	for i, name := range []string{f.cert, f.key} {
		if info, err := os.Stat(name); err == nil {
			times[i] = info.ModTime()
		}
	}
	return times
}

func (f *certificateFiles) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) < lookEvery {
		return f.loaded, nil
	}
	f.looked = time.Now()
	if f.times() == f.seen {
		return f.loaded, nil
	}
	if err := f.read(); err != nil {
		f.log.Warn("the new certificate cannot be read; serving with the old one", "error", err)
	} else {
		f.log.Info("serving with a new certificate", "until", f.loaded.Leaf.NotAfter)
	}
	return f.loaded, nil
}
