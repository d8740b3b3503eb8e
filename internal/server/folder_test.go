package server

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Seen to fail on os.WriteFile: a server that is killed while it writes the purpose of its folder would never start there
// again, and one that is killed while it writes its authority's certificate would serve no HTTPS.
func TestFilesOfTheDataFolderAreThereAsAWhole(t *testing.T) {
	folder, content := t.TempDir(), strings.Repeat("whole\n", 100)
	path := filepath.Join(folder, "file")
	var reader sync.WaitGroup
	written := make(chan struct{})
	reader.Go(func() {
		for {
			text, err := os.ReadFile(path)
			if err == nil && string(text) != content || err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("half a file: %d bytes, %v", len(text), err)
				return
			}
			select {
			case <-written:
				return
			default:
			}
		}
	})
	for range 200 {
		if err := replaceFile(path, []byte(content), 0o644); err != nil {
			t.Error(err)
		}
	}
	close(written)
	reader.Wait()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
