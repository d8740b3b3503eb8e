package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

// systemWorkspace is the workspace whose administrators operate the installation (rule 8).
const systemWorkspace = "system"

func (p *program) workspaceCommand() *cobra.Command {
	return p.group("workspace", "Create, list and describe workspaces",
		"A workspace is the tenant that everything belongs to: an OIDC issuer of its own with its own signing keys.",
		`nsc workspace create prod
nsc workspace describe prod`,
		p.workspaceCreateCommand(), p.workspaceListCommand(), p.workspaceDescribeCommand(),
	)
}

// absentWorkspace says which workspace is not there; other errors stay as they are.
func absentWorkspace(err error, name, base string) error {
	return absent(err, fmt.Sprintf("there is no workspace %s at %s", name, base),
		"see what there is: nsc workspace list; another server is named by --url (NSC_URL)")
}

func (p *program) describeWorkspace(w io.Writer, ws api.Workspace) {
	describe(w, []field{
		{"Name", ws.Name}, {"ID", ws.ID}, {"Issuer", ws.Issuer}, {"Created", p.when(ws.CreatedAt)},
		{"Discovery", ws.Issuer + "/.well-known/openid-configuration"},
		{"Token endpoint", ws.Issuer + "/token"},
	})
}
