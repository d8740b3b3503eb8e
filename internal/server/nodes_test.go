package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/store/pgtest"
)

// A test's process is also a server that can be killed: one whose configuration is in this variable.
const nodeVariable = "NSC_TEST_NODE"

func TestMain(m *testing.M) {
	if text := os.Getenv(nodeVariable); text != "" {
		os.Exit(runNode(text))
	}
	os.Exit(m.Run())
}

// Where this variable is set, the servers of these tests use PostgreSQL.
const postgresVariable = "NSC_TEST_POSTGRES"

// The same tests once more, on the other database.
func TestOnPostgreSQL(t *testing.T) {
	pgtest.Database(t) // or skip
	again := exec.Command(os.Args[0], "-test.run", "^Test(Rule|Bad|Dev|Unknown)", "-test.skip", "^TestRule(22|30|36|37)", "-test.timeout", "10m")
	again.Env = append(os.Environ(), postgresVariable+"=1")
	if output, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func runNode(text string) int {
	var c Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c.Reload = nil
	if err := Run(context.Background(), c, os.Stderr, slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// nodes returns the configurations of nodes on one PostgreSQL. They share the master key's file.
func nodes(t *testing.T, n int) []Config {
	t.Helper()
	database, shared := pgtest.Database(t), filepath.Join(t.TempDir(), "master.key")
	list := make([]Config, n)
	for i := range list {
		list[i] = serverConfig(t)
		list[i].Database, list[i].MasterKeyFile = database, shared
		list[i].AddressRate, list[i].WorkspaceRate = 0, 0
	}
	return list
}

// Rule 22: once a cut-off has returned on one of three nodes, none issues what it forbids.
func TestRule22CutOffBindsAllNodes(t *testing.T) {
	configs := nodes(t, 3)
	var all []*running
	for _, c := range configs {
		all = append(all, start(t, c))
	}
	admin, err := Bootstrap(t.Context(), configs[0], BootstrapRequest{Workspace: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	child := func(s *running, token string) (int, map[string]any) {
		return s.token(t, "/w/dev/token", exchangeForm(token, "requested_token_type", idTokenType, "audience", "https://api.example.com"))
	}
	for round := range 5 {
		_, parent := all[round%3].token(t, "/w/dev/token", exchangeForm(admin.BearerToken))
		token, ok := parent["access_token"].(string)
		if !ok {
			t.Fatalf("parent: %v", parent)
		}
		var cut atomic.Bool
		var issued, refused, late atomic.Int64
		var callers sync.WaitGroup
		warm := make(chan struct{}, 64)
		stop := make(chan struct{})
		for n := range 6 {
			callers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					after := cut.Load()
					status, _ := child(all[n%3], token)
					switch {
					case status == http.StatusOK && after:
						late.Add(1)
					case status == http.StatusOK:
						issued.Add(1)
						select {
						case warm <- struct{}{}:
						default:
						}
					default:
						refused.Add(1)
					}
				}
			})
		}
		for range 20 {
			<-warm
		}
		status, answer := all[(round+1)%3].api(t, "POST", "/dev/cut-offs", admin.BearerToken, map[string]any{"token": claimsOf(t, token)["jti"]})
		cut.Store(true)
		if status != http.StatusCreated {
			t.Fatalf("cut off: %d %v", status, answer)
		}
		for n := range 30 {
			if status, answer := child(all[n%3], token); status == http.StatusOK {
				t.Errorf("node %d issued after the cut-off returned: %v", n%3, answer)
			}
		}
		close(stop)
		callers.Wait()
		if late.Load() > 0 {
			t.Errorf("%d tokens by requests that began after the cut-off returned", late.Load())
		}
		if issued.Load() == 0 || refused.Load() == 0 {
			t.Errorf("%d issued, %d refused: the test saw one side alone", issued.Load(), refused.Load())
		}
	}
}

// killable is a node in a process of its own.
type killable struct {
	config Config
	cmd    *exec.Cmd
	ended  chan struct{}
}

func (k *killable) start(t *testing.T) {
	t.Helper()
	text, err := json.Marshal(k.config)
	if err != nil {
		t.Fatal(err)
	}
	k.cmd = exec.Command(os.Args[0])
	k.cmd.Env = append(os.Environ(), nodeVariable+"="+string(text))
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := k.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, cmd, ended := make(chan string, 1), k.cmd, make(chan struct{})
	k.ended = ended
	go func() {
		defer close(ended)
		said := &lines{ready: make(chan struct{})}
		go func() { <-said.ready; ready <- "" }()
		_, _ = io.Copy(said, output)
		_ = cmd.Wait() // killed
		select {
		case ready <- "ended: " + said.String():
		default:
		}
	}()
	if problem := <-ready; problem != "" {
		t.Fatal(problem)
	}
}

func (k *killable) kill() {
	_ = k.cmd.Process.Kill()
	<-k.ended
}

// Three nodes are killed and started again under load: what was answered is on the record, once, and nothing contradicts it.
func TestNodesAreKilledUnderLoad(t *testing.T) {
	configs := nodes(t, 3)
	address := map[int]string{}
	var all []*killable
	for i := range configs {
		configs[i].Listen = freeAddress(t)
		address[i] = "http://" + configs[i].Listen
		all = append(all, &killable{config: configs[i]})
		all[i].start(t)
		t.Cleanup(all[i].kill)
	}
	admin, err := Bootstrap(t.Context(), configs[0], BootstrapRequest{Workspace: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	answered := map[string]bool{}
	form := exchangeForm(admin.BearerToken, "requested_token_type", idTokenType, "audience", "https://api.example.com").Encode()
	stop, more := make(chan struct{}), make(chan struct{})
	var callers sync.WaitGroup
	for n := range 6 {
		callers.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
			for at := n; ; at++ {
				select {
				case <-stop:
					return
				default:
				}
				response, err := client.Post(address[at%3]+"/w/dev/token", "application/x-www-form-urlencoded", strings.NewReader(form))
				if err != nil {
					continue // a killed node: nothing was answered
				}
				text, err := io.ReadAll(response.Body)
				response.Body.Close()
				var answer struct {
					Token string `json:"access_token"`
				}
				if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(text, &answer) != nil {
					continue
				}
				id := claimsOf(t, answer.Token)["jti"].(string)
				mu.Lock()
				if answered[id] {
					t.Errorf("%s was answered twice", id)
				}
				answered[id] = true
				mu.Unlock()
				select {
				case more <- struct{}{}:
				default:
				}
			}
		})
	}
	for round := range 6 {
		for range 10 { // some load between two kills
			<-more
		}
		all[round%3].kill()
		all[round%3].start(t)
	}
	close(stop)
	callers.Wait()
	s := &running{url: address[0], logs: &lines{}}
	recorded := recordedTokens(t, s, admin.BearerToken)
	for id := range answered {
		if recorded[id] != 1 {
			t.Errorf("token %s is on the record %d times", id, recorded[id])
		}
	}
}

// recordedTokens returns how often each token is on the record of dev.
func recordedTokens(t *testing.T, s *running, bearer string) map[string]int {
	t.Helper()
	found := map[string]int{}
	before := ""
	for {
		status, page := s.api(t, "GET", "/dev/events?kind=token.issued&limit=1000&before="+before, bearer, nil)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, page)
		}
		for _, item := range page["items"].([]any) {
			found[item.(map[string]any)["token"].(map[string]any)["id"].(string)]++
		}
		next, ok := page["next"].(string)
		if !ok {
			return found
		}
		before = next
	}
}

// Rule 30: what replaces keys, or is to be all there is, is refused while a node lives, whether or not it has work to do.
func TestRule30NothingIsReplacedUnderLiveNodes(t *testing.T) {
	configs := nodes(t, 3)
	first, second := start(t, configs[0]), start(t, configs[1])
	ctx, apart := t.Context(), configs[2]
	refused := func(c Config, what, todo string) {
		t.Helper()
		_, restored := Restore(ctx, c)
		_, exported := Export(ctx, c, io.Discard)
		_, imported := Import(ctx, c, strings.NewReader(""))
		for call, err := range map[string]error{
			"reseal": Reseal(ctx, c, filepath.Join(t.TempDir(), "new.key")), "restore": restored, "export": exported, "import": imported,
		} {
			var f *failure.Failure
			if !errors.As(err, &f) || !strings.Contains(f.What, what) || !strings.Contains(f.Todo, todo) || strings.Contains(f.Todo, "data-dir") {
				t.Errorf("%s: %#v", call, err)
			}
		}
	}
	refused(configs[0], "locked by another nsc server", "all of them")
	refused(apart, "nsc server runs on this database", "stop every node")
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	refused(apart, "nsc server runs on this database", "stop every node")
	if ready := second.readiness(t); ready != http.StatusOK {
		t.Errorf("readiness after what was refused: %d", ready)
	}
	if err := second.stop(); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "new.key")
	if err := Reseal(ctx, apart, moved); err != nil {
		t.Fatal(err)
	}
	apart.MasterKeyFile = moved
	start(t, apart)
}
