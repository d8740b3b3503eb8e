// Package structure holds the tests of the rules that docs/design/0001-one-path.md states about the code itself.
package structure

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/nsc-federation/nsc"

// source is one Go file of the main module.
type source struct {
	pkg  string // import path within the module, like internal/store
	path string
	file *ast.File
	test bool
}

func sources(t *testing.T) []source {
	t.Helper()
	root := "../.."
	var found []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != root || strings.HasPrefix(d.Name(), ".") && path != root {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		found = append(found, source{filepath.ToSlash(filepath.Dir(rel)), rel, file, strings.HasSuffix(path, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 50 {
		t.Fatalf("only %d files found: the walk is wrong", len(found))
	}
	return found
}

func (s source) imports() []string {
	var paths []string
	for _, i := range s.file.Imports {
		paths = append(paths, strings.Trim(i.Path.Value, `"`))
	}
	return paths
}

// standard reports whether an import path is of the standard library.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// within reports whether a path is the package or below it.
func within(path, pkg string) bool { return path == pkg || strings.HasPrefix(path, pkg+"/") }

func TestNothingBelowImportsTheCommandLine(t *testing.T) {
	above := []string{"cmd/nsc", "internal/cli", "test"}
	for _, s := range sources(t) {
		if s.test || within(s.pkg, above[0]) || within(s.pkg, above[1]) || within(s.pkg, above[2]) {
			continue
		}
		for _, path := range s.imports() {
			if within(path, module+"/internal/cli") {
				t.Errorf("%s imports %s: the command line is on top, and what it shares with others has a package of its own", s.path, path)
			}
		}
	}
}

func TestPolicyImportsOnlyIdentityAndCEL(t *testing.T) {
	for _, s := range sources(t) {
		if !within(s.pkg, "internal/policy") || s.test {
			continue
		}
		for _, path := range s.imports() {
			if !standard(path) && !within(path, module+"/internal/identity") && path != module+"/internal/grants" && !within(path, "cel.dev/cel-go") {
				t.Errorf("%s imports %s: a decision is pure, so that simulating, replaying and fuzzing it are free", s.path, path)
			}
			if within(path, "net") || path == "os" || within(path, "database") {
				t.Errorf("%s imports %s: a decision does no I/O", s.path, path)
			}
		}
	}
}

func TestOnlyStoreKnowsSQL(t *testing.T) {
	drivers := []string{"database/sql", "modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/pressly/goose/v3"}
	for _, s := range sources(t) {
		if within(s.pkg, "internal/store") || s.test {
			continue
		}
		for _, path := range s.imports() {
			for _, driver := range drivers {
				if within(path, driver) {
					t.Errorf("%s imports %s: all SQL is in internal/store", s.path, path)
				}
			}
		}
	}
}

func TestOnlyServerAndTestsWire(t *testing.T) {
	allowed := map[string][]string{
		"audit.NewRecorder": {"internal/server"},
		"keys.Open":         {"internal/server"},
		"keys.CreateMaster": {"internal/server"},
		"keys.LoadMaster":   {"internal/server"},
		"identity.Open":     {"internal/server"},
		"identity.NewLocal": {"internal/sts"},
		"policy.Decide":     {"internal/sts"},
		"identity.Suppose":  {"internal/rehearse", "internal/assertion"},
		"jwt.NewSigner":     {"internal/keys"},
		"signer.Sign":       {"internal/keys", "internal/sts"},
		"recorder.Intent":   {"internal/sts"},
		"receipt.Redeem":    {"internal/keys"},
		"keys.NewNotary":    {"internal/server"},
		"note.Sign":         {"internal/keys"},

		"Notary.SignCheckpoint": {"internal/audit"},
		"manage.New":            {"internal/server"},
		"workspace.NewCache":    {"internal/server"},
	}
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if s.test || within(s.pkg, "internal/store/storetest") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := called(call)
			packages, ok := allowed[name]
			if !ok {
				return true
			}
			seen[name] = true
			for _, p := range packages {
				if within(s.pkg, p) {
					return true
				}
			}
			t.Errorf("%s calls %s: there is one path to a token, wired in one place; allowed are %v and tests", s.path, name, packages)
			return true
		})
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("nothing calls %s: the rule guards nothing", name)
		}
	}
}

// called returns the last two names of a call's function, like keys.Open or recorder.Intent for s.recorder.Intent.
func called(call *ast.CallExpr) string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	switch x := selector.X.(type) {
	case *ast.Ident:
		return x.Name + "." + selector.Sel.Name
	case *ast.SelectorExpr:
		return x.Sel.Name + "." + selector.Sel.Name
	}
	return ""
}

func TestNoInitAndNoRoomForEverything(t *testing.T) {
	for _, s := range sources(t) {
		switch last := s.pkg[strings.LastIndex(s.pkg, "/")+1:]; last {
		case "models", "types", "common", "util", "utils", "helpers", "base":
			t.Errorf("package %s: a package is named for what it is about", s.pkg)
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "init" && f.Recv == nil {
				t.Errorf("%s has an init function: nothing but server wires", s.path)
			}
		}
	}
}

// A package may use the packages listed for it and those below them; what is not listed uses anything.
func TestDataFlowsOneWay(t *testing.T) {
	forbidden := map[string][]string{
		"internal/id":        {"internal/"},
		"internal/fault":     {"internal/"},
		"internal/grants":    {"internal/"},
		"internal/jwt":       {"internal/"},
		"internal/spelling":  {"internal/"},
		"internal/origin":    {"internal/"},
		"internal/evidence":  {"internal/"},
		"internal/trace":     {"internal/id", "internal/jwt", "internal/identity", "internal/policy", "internal/audit", "internal/keys", "internal/sts", "internal/store", "internal/web", "internal/server", "internal/cli", "internal/manage", "internal/workspace"},
		"internal/identity":  {"internal/policy", "internal/audit", "internal/keys", "internal/sts", "internal/store", "internal/web", "internal/server", "internal/cli", "internal/manage", "internal/workspace"},
		"internal/preset":    {"internal/audit", "internal/keys", "internal/sts", "internal/store", "internal/web", "internal/server", "internal/cli", "internal/manage", "internal/workspace"},
		"internal/span":      {"internal/"},
		"internal/manifest":  {"internal/audit", "internal/keys", "internal/sts", "internal/store", "internal/web", "internal/server", "internal/manage", "internal/workspace"},
		"internal/audit":     {"internal/keys", "internal/sts", "internal/store", "internal/web", "internal/server", "internal/cli", "internal/manage", "internal/workspace"},
		"internal/keys":      {"internal/sts", "internal/store", "internal/web", "internal/server", "internal/cli", "internal/manage", "internal/workspace"},
		"internal/workspace": {"internal/audit", "internal/keys", "internal/sts", "internal/store", "internal/web", "internal/server", "internal/cli", "internal/manage"},
		"internal/refusal":   {"internal/audit", "internal/keys", "internal/sts", "internal/store", "internal/web", "internal/server", "internal/cli", "internal/manage", "internal/workspace"},
		"internal/rehearse":  {"internal/keys", "internal/sts", "internal/store", "internal/web", "internal/server", "internal/cli", "internal/manage"},
		"internal/sts":       {"internal/rehearse", "internal/store", "internal/web", "internal/server", "internal/cli", "internal/manage"},
		"internal/store":     {"internal/sts", "internal/web", "internal/server", "internal/cli", "internal/manage"},
		"internal/manage":    {"internal/sts", "internal/store", "internal/web", "internal/server", "internal/cli"},
		"internal/web":       {"internal/store", "internal/server", "internal/cli"},
		"internal/server":    {"internal/cli"},
		"internal/cli":       {"internal/store", "internal/sts", "internal/policy", "internal/audit", "internal/keys", "internal/manage", "internal/web", "internal/workspace"},
	}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for pkg, list := range forbidden {
			if !within(s.pkg, pkg) {
				continue
			}
			for _, path := range s.imports() {
				inner, ours := strings.CutPrefix(path, module+"/")
				for _, f := range list {
					if ours && !within(inner, pkg) && strings.HasPrefix(inner, f) {
						t.Errorf("%s imports %s: data flows one way, verify, decide, record, sign", s.path, inner)
					}
				}
			}
		}
	}
}
