package cli

import (
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/server"
)

func (p *program) configCommand() *cobra.Command {
	return local(p.group("config", "Check a server's configuration",
		"A server is configured by a YAML file, by NSC_ environment variables and by flags, of which the later win. An empty file is a whole configuration.",
		"nsc config check --config /etc/nsc/config.yaml",
		p.configCheckCommand(),
	))
}

func (p *program) configCheckCommand() *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use: "check", Short: "Check a configuration, and show what results from it", Args: noArguments,
		Example: `nsc config check --config /etc/nsc/config.yaml
NSC_BASE_URL=https://nsc.example.com nsc config check -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.checked(cmd, f)
			if err != nil {
				return err
			}
			p.say("the configuration is good")
			return p.printConfig(c)
		},
	}
	f.bind(cmd)
	return cmd
}

// settings are what config check shows: no secret is among them.
type settings struct {
	Listen        string   `json:"listen"`
	BaseURL       string   `json:"base_url,omitempty"`
	DataDir       string   `json:"data_dir"`
	Database      string   `json:"database"`
	DatabaseFile  string   `json:"database_file,omitempty"`
	MasterKeyFile string   `json:"master_key_file,omitempty"`
	TLSSelfSigned bool     `json:"tls_self_signed"`
	ACME          bool     `json:"acme"`
	ACMEEmail     string   `json:"acme_email,omitempty"`
	ACMEDirectory string   `json:"acme_directory,omitempty"`
	ACMECAFile    string   `json:"acme_ca_file,omitempty"`
	OTLPEndpoint  string   `json:"otlp_endpoint,omitempty"`
	OTLPCAFile    string   `json:"otlp_ca_file,omitempty"`
	TraceRatio    float64  `json:"trace_ratio"`
	PublishAhead  string   `json:"key_publish_ahead"`
	RotateEvery   string   `json:"key_rotate_every"`
	Issuers       []string `json:"reachable_issuers,omitempty"`
}

func (p *program) printConfig(c server.Config) error {
	s := settings{
		Listen: c.Listen, BaseURL: c.BaseURL, DataDir: c.DataDir, Database: database(c),
		DatabaseFile: c.DatabaseFile, MasterKeyFile: c.MasterKeyFile, TLSSelfSigned: c.TLSSelfSigned,
		ACME: c.ACME, ACMEEmail: c.ACMEEmail, ACMEDirectory: c.ACMEDirectory, ACMECAFile: c.ACMECAFile,
		OTLPEndpoint: c.OTLPEndpoint, OTLPCAFile: c.OTLPCAFile, TraceRatio: c.TraceRatio,
		PublishAhead: shortDuration(c.PublishAhead), RotateEvery: shortDuration(c.RotateEvery),
	}
	for _, r := range c.Issuers {
		s.Issuers = append(s.Issuers, fmt.Sprintf("%s port %d for %s", r.CIDR, r.Port, r.Workspace))
	}
	return p.print(s, func(w io.Writer) {
		fields := []field{
			{"listen", s.Listen}, {"base_url", firstOf(s.BaseURL, "derived from listen")}, {"data_dir", s.DataDir}, {"database", s.Database},
			{"database_file", s.DatabaseFile}, {"master_key_file", s.MasterKeyFile},
			{"tls_self_signed", fmt.Sprint(s.TLSSelfSigned)},
			{"acme", fmt.Sprint(s.ACME)}, {"acme_email", s.ACMEEmail}, {"acme_directory", s.ACMEDirectory}, {"acme_ca_file", s.ACMECAFile},
			{"otlp_endpoint", firstOf(s.OTLPEndpoint, "none: nothing is traced")}, {"otlp_ca_file", s.OTLPCAFile},
			{"trace_ratio", fmt.Sprint(s.TraceRatio)},
			{"key_publish_ahead", s.PublishAhead}, {"key_rotate_every", s.RotateEvery},
		}
		for _, line := range s.Issuers {
			fields = append(fields, field{"reachable_issuers", line})
		}
		describe(w, fields)
	})
}

// database names the database without its password.
func database(c server.Config) string {
	switch {
	case c.DatabaseFile != "":
		return "PostgreSQL, by database_file"
	case c.Database == "":
		return "SQLite in data_dir"
	}
	u, err := url.Parse(c.Database)
	if err != nil {
		return "PostgreSQL"
	}
	u.RawQuery = "" // it may hold a password, too
	return u.Redacted()
}
