package rocketchat

import (
	"crypto/x509"
	"os"
	"os/exec"
	"testing"
	"time"
)

// withoutRoots tells a process of this test that its system has no certificates.
const withoutRoots = "TEST_WITHOUT_ROOTS"

// TestCertificatesAreThereWithoutTheSystems runs this test once more as in the image,
// where no file has any.
func TestCertificatesAreThereWithoutTheSystems(t *testing.T) {
	t.Parallel()
	if os.Getenv(withoutRoots) == "" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
		again.Env = []string{withoutRoots + "=1", "SSL_CERT_FILE=/does/not/exist", "SSL_CERT_DIR=/does/not/exist"}
		if output, err := again.CombinedOutput(); err != nil {
			t.Errorf("without certificates of the system: %v\n%s", err, output)
		}
		return
	}
	connection, err := ParseConnection(map[string][]byte{
		KeyURL: []byte("https://chat.example.com"), KeyUserID: []byte("resetBot01"), KeyAuthToken: []byte("token"), KeyPassword: []byte("password"),
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	New(connection, Options{Now: time.Now}).Close()
	roots, err := x509.SystemCertPool()
	if err != nil {
		t.Fatal(err)
	}
	if roots.Equal(x509.NewCertPool()) {
		t.Error("no authority is trusted")
	}
}
