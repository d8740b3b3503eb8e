package clouds

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// repository is the folder of the module that is tested.
const repository = "../.."

// buildNSC builds the program under test into a folder and returns its path.
func buildNSC(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "nsc")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, "./cmd/nsc")
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build nsc: %w\n%s", err, output)
	}
	return path, nil
}
