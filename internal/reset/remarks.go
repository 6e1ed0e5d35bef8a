package reset

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// Known is what a server answered to a question, or that it did not.
type Known int

// What can be known.
const (
	Unknown Known = iota
	No
	Yes
)

// KnownAs is what is known once the server answered.
func KnownAs(yes bool) Known {
	if yes {
		return Yes
	}
	return No
}

// remarks are what the administrator of a workspace in order should know before
// somebody needs it. Nothing of it stops a reset: a version number proves nothing, and
// Rocket.Chat itself refuses what it does not do.
func remarks(w *v1alpha1.RocketChatWorkspace, health Health) []string {
	var found []string
	remark := func(applies bool, text string) {
		if applies {
			found = append(found, text)
		}
	}
	totp := slices.Contains(w.Spec.AllowedTypes, v1alpha1.ResetTypeTOTP)
	e2e := slices.Contains(w.Spec.AllowedTypes, v1alpha1.ResetTypeE2EKey)
	v := releaseOf(health.Version)
	remark(v.before("3.8") && totp, "Releases before 3.8 cannot reset TOTP; update Rocket.Chat or remove the type from allowedTypes")
	remark(v.before("3.6") && e2e, "Releases before 3.6 cannot reset E2E keys; update Rocket.Chat or remove the type from allowedTypes")
	remark(v.before("6.4"), "Releases before 6.4 reset others only while Enforce_Password_Fallback is on among the settings of two-factor authentication")
	remark(!v.before("7.4") && v.before("7.9"), "Releases 7.4 to 7.8 do not limit calls; spec.budget alone does")
	remark(health.TwoFactor == No && totp, "Two-factor authentication is switched off in the settings of Rocket.Chat, which resets no TOTP as long as it is")
	text := factorRemark(health)
	remark(text != "", text)
	return found
}

// factorRemark says why the account's second factor will be refused, "" if nothing
// speaks for that.
func factorRemark(health Health) string {
	asked := health.Method
	switch {
	case asked == v1alpha1.SecondFactorNone, asked == "", health.Factor == v1alpha1.SecondFactorEmail:
		return ""
	case health.Factor != "" && health.Factor != asked:
		return fmt.Sprintf("Rocket.Chat asks the account for the second factor %s, and the Secret holds %s; resets will be refused", asked, health.Factor)
	case health.Factor == "" && ignoresBypass(health.Version):
		return "Releases 8.5.0 and 8.5.1 ignore tokens that bypass the second factor; update Rocket.Chat, or put a totpSecret or password into the Secret"
	case health.Factor == "" && health.Bypass == No:
		return fmt.Sprintf("Rocket.Chat asks the account for the second factor %s, and the Secret holds none, nor a token that bypasses it; resets will be refused", asked)
	}
	return ""
}

// sentences are texts in a row.
func sentences(first string, more []string) string {
	return strings.Join(append([]string{first}, more...), ". ")
}

// release is a version of Rocket.Chat, nil if it is not known.
type release struct{ version *version.Version }

// releaseOf reads a version as the server tells it: major and minor, or all of it.
func releaseOf(text string) release {
	v, err := version.ParseGeneric(text)
	if err != nil {
		return release{}
	}
	return release{v}
}

// before says whether the release is known to be earlier.
func (r release) before(other string) bool {
	return r.version != nil && r.version.LessThan(version.MustParseGeneric(other))
}
