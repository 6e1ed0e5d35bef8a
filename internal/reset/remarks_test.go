package reset

import (
	"strings"
	"testing"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// TestRemarks holds what Ready's message says beside "Resets can be carried out".
func TestRemarks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*Health)
		types  []v1alpha1.ResetType
		want   []string // the beginning of each remark
	}{
		"in order":                   {change: func(*Health) {}},
		"no version":                 {change: func(h *Health) { h.Version = "" }},
		"an odd version":             {change: func(h *Health) { h.Version = "develop" }},
		"before both calls":          {change: func(h *Health) { h.Version = "3.5.2" }, want: []string{"Releases before 3.8", "Releases before 3.6", "Releases before 6.4"}},
		"before one of them":         {change: func(h *Health) { h.Version = "3.7" }, want: []string{"Releases before 3.8", "Releases before 6.4"}},
		"which is not allowed":       {func(h *Health) { h.Version = "3.7" }, []v1alpha1.ResetType{v1alpha1.ResetTypeE2EKey}, []string{"Releases before 6.4"}},
		"the last with the fallback": {change: func(h *Health) { h.Version = "6.3.9" }, want: []string{"Releases before 6.4"}},
		"the first without":          {change: func(h *Health) { h.Version = "6.4.0" }},
		"the first without limiter":  {change: func(h *Health) { h.Version = "7.4" }, want: []string{"Releases 7.4 to 7.8"}},
		"the last without limiter":   {change: func(h *Health) { h.Version = "7.8.1" }, want: []string{"Releases 7.4 to 7.8"}},
		"the first with it again":    {change: func(h *Health) { h.Version = "7.9.0" }},
		"two-factor off":             {change: func(h *Health) { h.TwoFactor = No }, want: []string{"Two-factor authentication is switched off"}},
		"two-factor on":              {change: func(h *Health) { h.TwoFactor = Yes }},
		"two-factor off, E2E only":   {func(h *Health) { h.TwoFactor = No }, []v1alpha1.ResetType{v1alpha1.ResetTypeE2EKey}, nil},
		"no factor, plain token":     {change: func(h *Health) { h.Factor, h.Bypass = "", No }, want: []string{"Rocket.Chat asks the account for the second factor TOTP, and the Secret holds none"}},
		"no factor, bypass":          {change: func(h *Health) { h.Factor, h.Bypass = "", Yes }},
		"no factor, unknown token":   {change: func(h *Health) { h.Factor, h.Bypass = "", Unknown }},
		"no factor, none asked":      {change: func(h *Health) { h.Factor, h.Bypass, h.Method = "", No, v1alpha1.SecondFactorNone }},
		"bypass that 8.5 ignores":    {change: func(h *Health) { h.Factor, h.Bypass, h.Version = "", Yes, "8.5" }, want: []string{"Releases 8.5.0 and 8.5.1"}},
		"bypass that 8.5.2 honours":  {change: func(h *Health) { h.Factor, h.Bypass, h.Version = "", Yes, "8.5.2" }},
		"another factor":             {change: func(h *Health) { h.Factor = v1alpha1.SecondFactorPassword }, want: []string{"Rocket.Chat asks the account for the second factor TOTP, and the Secret holds Password"}},
		"a typed code":               {change: func(h *Health) { h.Factor = v1alpha1.SecondFactorEmail }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.types == nil {
				test.types = []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey}
			}
			w := &v1alpha1.RocketChatWorkspace{Spec: v1alpha1.RocketChatWorkspaceSpec{AllowedTypes: test.types}}
			health := Diagnose(goodProbe())
			test.change(&health)
			got := remarks(w, health)
			if len(got) != len(test.want) {
				t.Fatalf("remarks %q, want %q", got, test.want)
			}
			for i, remark := range got {
				if !strings.HasPrefix(remark, test.want[i]) || strings.HasSuffix(remark, ".") {
					t.Errorf("remark %q, want %q", remark, test.want[i])
				}
			}
			if reason, message := readyReason(w, health); reason != v1alpha1.ReasonConnected || !strings.HasPrefix(message, "Resets can be carried out") {
				t.Errorf("%s: %s", reason, message)
			}
		})
	}
}
