package collector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// receiver is the endpoint of a collector, as far as reading goes.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	spans []ptrace.Span
	node  []pcommon.Resource
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		message := ptraceotlp.NewExportRequest()
		if err := message.UnmarshalJSON(body); err != nil {
			t.Errorf("the collector refuses %s: %v", body, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		sameWhenWrittenAgain(t, body, message)
		r.keep(message.Traces())
	}))
	t.Cleanup(r.Close)
	return r
}

// sameWhenWrittenAgain fails the test where the collector's reader skipped something, or took it for something else.
func sameWhenWrittenAgain(t *testing.T, body []byte, message ptraceotlp.ExportRequest) {
	t.Helper()
	again, err := message.MarshalJSON()
	if err != nil {
		t.Error(err)
	}
	var sent, read any
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal(again, &read); err != nil {
		t.Error(err)
	}
	if !reflect.DeepEqual(bare(sent), bare(read)) {
		t.Errorf("sent %s\nread %s", body, again)
	}
}

// bare drops what is empty, which is the same as what is missing.
func bare(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			member = bare(member)
			if v[name] = member; member == nil || member == "" || reflect.DeepEqual(member, map[string]any{}) {
				delete(v, name)
			}
		}
	case []any:
		for i := range v {
			v[i] = bare(v[i])
		}
	}
	return value
}

func (r *receiver) keep(traces ptrace.Traces) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range traces.ResourceSpans().All() {
		r.node = append(r.node, resource.Resource())
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				r.spans = append(r.spans, span)
			}
		}
	}
}

func TestTheCollectorReadsOurTraces(t *testing.T) {
	r, dir := newReceiver(t), t.TempDir()
	program := filepath.Join(dir, "nsc")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "./cmd/nsc")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	serveAndExchange(t, program, filepath.Join(dir, "data"), r.URL)

	r.mu.Lock() // the server has ended, but its last request was answered in another goroutine
	defer r.mu.Unlock()
	names := map[string]ptrace.Span{}
	for _, span := range r.spans {
		if span.TraceID().String() == "0af7651916cd43dd8448eb211c80319c" {
			names[span.Name()] = span
		}
	}
	root, ok := names["POST /w/{workspace}/token"]
	if !ok || root.ParentSpanID().String() != "b7ad6b7169203331" || root.Kind() != ptrace.SpanKindServer || root.Status().Code() != ptrace.StatusCodeUnset {
		t.Fatalf("the request: %v in %v", root, names)
	}
	if code, _ := root.Attributes().Get("http.response.status_code"); code.Type() != pcommon.ValueTypeInt || code.Int() != http.StatusOK {
		t.Errorf("status code %v", code)
	}
	for _, name := range []string{"verify", "decide", "record", "sign"} {
		span, ok := names[name]
		if !ok || span.ParentSpanID() != root.SpanID() || span.Kind() != ptrace.SpanKindInternal ||
			span.StartTimestamp() < root.StartTimestamp() || span.EndTimestamp() > root.EndTimestamp() {
			t.Errorf("%s: %v", name, span)
		}
	}
	for _, node := range r.node {
		for key, want := range map[string]string{"service.name": "nsc", "deployment.environment.name": "test"} {
			if got, ok := node.Attributes().Get(key); !ok || got.Str() != want {
				t.Errorf("%s is %v", key, got)
			}
		}
	}
}

// serveAndExchange runs a server for as long as one traced exchange takes.
func serveAndExchange(t *testing.T, program, data, endpoint string) {
	t.Helper()
	cmd := exec.Command(program, "dev", "--listen", "127.0.0.1:0", "--data-dir", data)
	cmd.Env = append(os.Environ(), "NSC_OTLP_ENDPOINT="+endpoint, "NSC_TRACE_RATIO=0", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test")
	talk, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	base, err := address(talk)
	if err == nil {
		go io.Copy(io.Discard, talk) // or it would wait for us
		err = exchange(base, data)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if ended := cmd.Wait(); err != nil || ended != nil {
		t.Fatalf("%v, %v", err, ended)
	}
}

// address reads what a server says until it says where it is.
func address(talk io.Reader) (string, error) {
	var said bytes.Buffer
	for buffer := make([]byte, 1024); ; {
		n, err := talk.Read(buffer)
		said.Write(buffer[:n])
		for line := range strings.Lines(said.String()) {
			if _, rest, ok := strings.Cut(line, "ready at "); ok && strings.HasSuffix(line, "\n") {
				return strings.Fields(rest)[0], nil
			}
		}
		if err != nil {
			return "", fmt.Errorf("%w after %s", err, &said)
		}
	}
}

func exchange(base, data string) error {
	text, err := os.ReadFile(filepath.Join(data, "token.json"))
	if err != nil {
		return err
	}
	var credential map[string]string
	if err := json.Unmarshal(text, &credential); err != nil {
		return err
	}
	form := "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:jwt&subject_token=" + credential["bearer_token"]
	request, err := http.NewRequest("POST", base+"/w/dev/token", strings.NewReader(form))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("exchange: %s", response.Status)
	}
	return nil
}
