package cli

import (
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/server"
)

// A misspelt variable is an error that names the nearest; what others put into the environment under our name is not.
func TestMisspeltVariables(t *testing.T) {
	for entry, near := range map[string]string{
		"NSC_BASE_ULR=https://nsc.example.com": "NSC_BASE_URL", "NSC_LISEN=127.0.0.1:1": "NSC_LISTEN", "NSC_DATADIR=x": "NSC_DATA_DIR",
		"NSC_ULR=x": "NSC_URL", "NSC_WORKSPCE=x": "NSC_WORKSPACE", "NSC_CONFG=x": "NSC_CONFIG", "NSC_TLS_SELFSIGNED=1": "NSC_TLS_SELF_SIGNED",

		"NSC_LISEN=": "", "NSC_TEST_POSTGRES=1": "", "NSC_EDITION=x": "", "NSC=x": "", "XNSC_LISEN=x": "", "": "", "=C:=x": "",
		// what Kubernetes injects for a Service that is named nsc, and for others
		"NSC_SERVICE_HOST=10.0.0.1": "", "NSC_SERVICE_PORT=8740": "", "NSC_SERVICE_PORT_HTTPS=8740": "", "NSC_PORT=tcp://10.0.0.1:8740": "",
		"NSC_PORT_8740_TCP=tcp://10.0.0.1:8740": "", "NSC_PORT_8740_TCP_PROTO=tcp": "", "NSC_PORT_8740_TCP_PORT=8740": "", "NSC_PORT_8740_TCP_ADDR=10.0.0.1": "",
		"NSC_DATABASE_PORT=tcp://10.0.0.1:5432": "", "NSC_METRICS_SERVICE_HOST=10.0.0.1": "", "NSC_BASE_PORT=x": "",
	} {
		err := checkVariables(environment([]string{entry}))
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case near == "" && err != nil:
			t.Errorf("%s: %v", entry, err)
		case near != "" && (err == nil || !strings.Contains(err.Error(), name+", ") || !strings.HasSuffix(err.Error(), "did you mean "+near+"?")):
			t.Errorf("%s: %v", entry, err)
		}
	}
}

// Every variable that nsc reads is known to the check.
func TestKnownVariablesAreNotMisspelt(t *testing.T) {
	for _, word := range append(server.Keys(), clientVariables...) {
		if err := checkVariables(map[string]string{"NSC_" + strings.ToUpper(word): "x"}); err != nil {
			t.Error(err)
		}
	}
}

func TestEnvironmentTakesTheFirst(t *testing.T) {
	if values := environment([]string{"A=1", "A=2", "B=x=y"}); values["A"] != "1" || values["B"] != "x=y" {
		t.Errorf("%v", values)
	}
}
