package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"github.com/nsc-federation/nsc/internal/keys"
)

// Config is everything that can be set. Its YAML file is strict: an unknown key is an error. Each top-level text or
// number may also be set by NSC_ and its name in capitals, which overrides the file.
type Config struct {
	Listen        string        `yaml:"listen" doc:"address and port to serve on"`
	BaseURL       string        `yaml:"base_url" doc:"how everybody reaches the server; part of every issuer; default derived from listen"`
	DataDir       string        `yaml:"data_dir" doc:"folder of the database, the master key and the administration socket"`
	Database      string        `yaml:"database" doc:"postgres://… for several nodes; default SQLite in data_dir"`
	DatabaseFile  string        `yaml:"database_file" doc:"file that holds the value of database, where it contains a password"`
	MasterKeyFile string        `yaml:"master_key_file" doc:"default master.key in data_dir"`
	TLSSelfSigned bool          `yaml:"tls_self_signed" doc:"serve HTTPS with a certificate of our own; clients trust data_dir/ca.pem"`
	TLSCertFile   string        `yaml:"tls_cert_file" doc:"serve HTTPS with this certificate chain (PEM); read again when it changes"`
	TLSKeyFile    string        `yaml:"tls_key_file" doc:"private key of tls_cert_file (PEM)"`
	ACME          bool          `yaml:"acme" doc:"serve HTTPS with a certificate for the host of base_url, got and renewed by ACME (RFC 8555)"`
	ACMEEmail     string        `yaml:"acme_email" doc:"where the certificate authority writes to; some demand it"`
	ACMEDirectory string        `yaml:"acme_directory" doc:"URL of the certificate authority's ACME directory"`
	ACMECAFile    string        `yaml:"acme_ca_file" doc:"authorities (PEM) that the ACME directory's own certificate is checked with; default the system's"`
	OTLPEndpoint  string        `yaml:"otlp_endpoint" doc:"base URL of an OpenTelemetry collector (OTLP/HTTP) that traces are sent to; default nowhere"`
	OTLPCAFile    string        `yaml:"otlp_ca_file" doc:"authorities (PEM) that the collector's certificate is checked with; default the system's"`
	TraceRatio    float64       `yaml:"trace_ratio" doc:"share of the requests that are traced, from 0 to 1"`
	MetricsListen string        `yaml:"metrics_listen" doc:"address and port to serve Prometheus metrics on, at /metrics; default nowhere"`
	AddressRate   float64       `yaml:"rate_limit_per_address" doc:"requests per second of one address (/64 for IPv6); 0 is no limit"`
	WorkspaceRate float64       `yaml:"rate_limit_per_workspace" doc:"tokens per second of one workspace; 0 is no limit"`
	Proxies       []string      `yaml:"trusted_proxies" doc:"networks of proxies whose X-Forwarded-For is believed"`
	PublishAhead  time.Duration `yaml:"key_publish_ahead" doc:"how long a signing key is published before it signs"`
	RotateEvery   time.Duration `yaml:"key_rotate_every" doc:"how long a signing key signs"`
	Issuers       []Reach       `yaml:"reachable_issuers" doc:"private addresses at which a workspace's trusted issuers may be"`

	Checkpoints       []Publication `yaml:"checkpoints" doc:"where the checkpoints of the workspaces' logs are published: files, webhooks and witnesses"`
	CheckpointEvery   time.Duration `yaml:"checkpoint_every" doc:"how often a log's newest checkpoint is published, if it grew"`
	RecordRetention   time.Duration `yaml:"record_retention" doc:"age at which events are erased, of which only hashes stay in the log; 0 is never"`
	PublicCheckpoints bool          `yaml:"public_checkpoints" doc:"anybody may read the checkpoints of the workspaces' logs: how many events there are, and a hash"`

	// Reload reads the configuration again, for SIGHUP; nil where there is nothing to read.
	Reload func() (Config, error) `yaml:"-" json:"-"`

	ListenGiven bool `yaml:"-"` // somebody said listen, be it the default

	Dev bool `yaml:"-"` // nsc dev: loopback, HTTP issuers, everything made by itself (rule 36)
}

// Reach lets one workspace fetch the keys of issuers at addresses that are refused otherwise (rule 35).
type Reach struct {
	Workspace string `yaml:"workspace"`
	CIDR      string `yaml:"cidr"`
	Port      uint16 `yaml:"port"`
}

// DefaultListen is where nsc listens where nothing else is said.
const DefaultListen = "127.0.0.1:8740"

// leastPublishAhead is three times as long as the JWKS may be cached. In nsc dev a new key may sign at once.
const leastPublishAhead = 15 * time.Minute

// Rates that no honest caller meets.
const (
	defaultAddressRate   = 500
	defaultWorkspaceRate = 5000
)

// defaultTraceRatio shows where the time goes, and costs a busy server nothing that could be measured.
const defaultTraceRatio = 0.01

// A log has at most one checkpoint a second. Places outside need not have each.
const (
	defaultCheckpointEvery = 10 * time.Second
	leastCheckpointEvery   = time.Second
)

// leastRetention is far more than a token lives, of which a cut-off must still find what it cannot reach.
const leastRetention = 7 * 24 * time.Hour

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		Listen: DefaultListen, DataDir: defaultDataDir(),
		AddressRate: defaultAddressRate, WorkspaceRate: defaultWorkspaceRate,
		PublishAhead: keys.DefaultSchedule.PublishAhead, RotateEvery: keys.DefaultSchedule.RotateEvery,
		CheckpointEvery: defaultCheckpointEvery,
		ACMEDirectory:   autocert.DefaultACMEDirectory, TraceRatio: defaultTraceRatio,
	}
}

func defaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/nsc"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "nsc")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "nsc-data"
	}
	return filepath.Join(home, ".local", "share", "nsc")
}

// LoadConfig reads the defaults, the file if there is one, and the environment, in this order. It does not call Check,
// so that flags can be applied first.
func LoadConfig(path string, env func(string) string) (Config, error) {
	c := Default()
	c.Listen = "" // until it is known whether somebody says it
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("configuration: %w", err)
		}
		if err := (configFile{path}).decode(text, &c); err != nil {
			return c, err
		}
	}
	err := c.overlay(env)
	if c.ListenGiven = c.Listen != ""; !c.ListenGiven {
		c.Listen = DefaultListen
	}
	return c, err
}

// overlay applies the environment.
func (c *Config) overlay(env func(string) string) error {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		variable := "NSC_" + strings.ToUpper(name)
		text := env(variable)
		if name == "-" || text == "" {
			continue
		}
		if v.Field(i).Kind() == reflect.Slice {
			return fmt.Errorf("%s cannot be set by the environment; use the configuration file", variable)
		}
		if err := setText(v.Field(i), text); err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
	}
	return nil
}

// Check returns what is wrong with the configuration as a whole.
func (c Config) Check() error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || !isPort(port) {
		return fmt.Errorf("listen: %q is not an address and port like %s", c.Listen, DefaultListen)
	}
	if c.Dev && !isLoopback(host) {
		return fmt.Errorf("listen: nsc dev serves on loopback only, not on %q; nsc server serves others", c.Listen)
	}
	if c.BaseURL != "" {
		if err := checkBaseURL(c.BaseURL); err != nil {
			return err
		}
	} else if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return fmt.Errorf("base_url: cannot be derived from listen %q; say how others reach this server, like https://nsc.example.com", c.Listen)
	}
	if c.DataDir == "" {
		return errors.New("data_dir: is empty")
	}
	if c.Database != "" && c.DatabaseFile != "" {
		return errors.New("database and database_file exclude each other")
	}
	if c.Database != "" && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		return errors.New("database: must begin with postgres://; leave it empty for SQLite")
	}
	if c.PublishAhead < leastPublishAhead && !c.Dev {
		return fmt.Errorf("key_publish_ahead: %s is too short: relying parties keep a key set for five minutes, and their clocks differ, "+
			"so a key that signs sooner signs what they refuse; give at least 15m", c.PublishAhead)
	}
	if c.PublishAhead < 0 || c.RotateEvery <= c.PublishAhead {
		return errors.New("key_rotate_every must be longer than key_publish_ahead")
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		return errors.New("tls_cert_file and tls_key_file go together")
	}
	if c.TLSCertFile != "" && c.TLSSelfSigned {
		return errors.New("tls_self_signed and tls_cert_file exclude each other")
	}
	if err := c.checkACME(); err != nil {
		return err
	}
	if err := c.checkTraces(); err != nil {
		return err
	}
	if err := c.checkPublications(); err != nil {
		return err
	}
	if c.RecordRetention != 0 && c.RecordRetention < leastRetention {
		return fmt.Errorf("record_retention: %s is too short: events are needed while tokens live that they are about; give at least 1w, or 0 for ever",
			c.RecordRetention)
	}
	if c.AddressRate < 0 || c.WorkspaceRate < 0 {
		return errors.New("rate_limit_per_address and rate_limit_per_workspace cannot be negative; 0 is no limit")
	}
	if c.MetricsListen != "" {
		if _, _, err := net.SplitHostPort(c.MetricsListen); err != nil {
			return fmt.Errorf("metrics_listen: %q is not an address and port like 127.0.0.1:9464", c.MetricsListen)
		}
	}
	if _, err := c.proxies(); err != nil {
		return err
	}
	_, err = c.exceptions()
	return err
}

// proxies returns the networks of trusted_proxies.
func (c Config) proxies() ([]netip.Prefix, error) {
	var list []netip.Prefix
	for i, text := range c.Proxies {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies[%d]: %q is not a network like 10.0.0.0/8", i, text)
		}
		list = append(list, prefix)
	}
	return list, nil
}

func checkBaseURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("base_url: %q is not a URL like https://nsc.example.com", text)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Path != "" || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "#"):
		return fmt.Errorf("base_url: %q must be scheme, host and port alone, without a slash at the end", text)
	case u.Port() == "0" || strings.Contains(u.Host, ":") && !strings.HasSuffix(u.Host, "]") && !isPort(u.Port()):
		return fmt.Errorf("base_url: %q has a port that nobody can reach", text)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return fmt.Errorf("base_url: %q would send tokens over plain HTTP: use https, by tls_cert_file or a proxy", text)
	}
	return nil
}

// isPort reports whether text is a port, spelt as others spell it: it becomes a part of every issuer. 0 is any that is free.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == text
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (c Config) sqliteFile() string { return filepath.Join(c.DataDir, "nsc.db") }

func (c Config) masterKeyFile() string {
	if c.MasterKeyFile != "" {
		return c.MasterKeyFile
	}
	return filepath.Join(c.DataDir, "master.key")
}

// postgres returns the URL of the database, "" for SQLite.
func (c Config) postgres() (string, error) {
	if c.DatabaseFile == "" {
		return c.Database, nil
	}
	text, err := os.ReadFile(c.DatabaseFile)
	if err != nil {
		return "", fmt.Errorf("database_file: %w", err)
	}
	c.Database, c.DatabaseFile = strings.TrimSpace(string(text)), ""
	return c.Database, c.Check()
}

// baseURL returns the base URL for the address that the server really listens on.
func (c Config) baseURL(listening net.Addr) string {
	if c.BaseURL != "" {
		return c.BaseURL
	}
	host, port, _ := net.SplitHostPort(c.Listen) // Check has split it before
	if port == "0" && listening != nil {
		_, port, _ = net.SplitHostPort(listening.String())
	}
	return c.scheme() + "://" + net.JoinHostPort(host, port)
}

// fixedBaseURL returns the base URL where nobody listens, so that it must not depend on a port that is not chosen yet.
func (c Config) fixedBaseURL() (string, error) {
	if _, port, _ := net.SplitHostPort(c.Listen); c.BaseURL == "" && port == "0" {
		return "", fmt.Errorf("base_url: cannot be derived from listen %q, which leaves the port open, while no server runs: "+
			"start the server first, or give the base URL that it will have", c.Listen)
	}
	return c.baseURL(nil), nil
}

func (c Config) scheme() string {
	if c.tls() {
		return "https"
	}
	return "http"
}

func (c Config) tls() bool { return c.TLSSelfSigned || c.TLSCertFile != "" || c.ACME }
