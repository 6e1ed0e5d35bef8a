package ucr

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// TestADryRunAsksForNothing, for one user, for many, and again.
func TestADryRunAsksForNothing(t *testing.T) {
	t.Parallel()
	users := crowd(8)
	f := newFixture(t, fixtureOptions{users: users, workspace: budget(5, 86400)})
	f.bind(f.chats, requester, "credential-reset-viewer")
	f.ok(0, requester, f.many(t, []string{"alice"})...)
	before := len(f.requests())
	path := file(t, "breach.txt", users, "id:"+simulator.SampleAliceID)
	for strategy, remark := range map[string]string{"client": "(dry run)", "server": "(server dry run)"} {
		flag := "--dry-run=" + strategy
		wantSays(t, f.reset("lost-phone", "bob", flag, "--wait").out, "usercredentialreset.credentialreset.dev/lost-phone created "+remark+"; void after ")
		got := f.ok(0, requester, append([]string{"reset", "totp", "--from-file", path, flag}, f.at()...)...)
		wantSays(t, got.err, "asked before  1: 1 succeeded", "same person   id:"+simulator.SampleAliceID, "to ask for    8\n", "fit           4 of 8", "4 of 8 do not fit")
		wantSays(t, got.out, "8 of 9 users would be asked for "+remark+"\n", "user0007   breach-user0007-")
		if strings.Contains(got.out, "alice") {
			t.Errorf("it would ask for alice again:\n%s", got.out)
		}
		got = f.ok(0, requester, append([]string{"reset", "totp", "--from-file", path, flag, "-o", "name"}, f.at()...)...)
		if lines := countLines(got.out); lines != 8 {
			t.Errorf("for programs, it prints %d lines:\n%s", lines, got.out)
		}
		names := f.requests()
		wantSays(t, f.ok(0, requester, "again", names[0].Name, flag, "--name", "once-more").out, "once-more created "+remark)
		var shown v1alpha1.UserCredentialReset
		got = f.reset("lost-phone", "bob", flag, "-o", "yaml")
		if err := yaml.UnmarshalStrict([]byte(got.out), &shown); err != nil || shown.Spec.User.Username != "bob" || shown.Spec.RequestedBy != requester {
			t.Errorf("it shows %q: %v", got.out, err)
		}
		if isJudged := shown.UID != ""; isJudged != (strategy == "server") {
			t.Errorf("%s has the API server judge it: %t", flag, isJudged)
		}
		if after := len(f.requests()); after != before {
			t.Errorf("%s made %d requests", flag, after-before)
		}
	}
	f.ok(0, requester, append([]string{"reset", "totp", "bob", "--justification", long(300), "--dry-run=client"}, f.at()...)...)
	wantSays(t, f.ok(5, requester, append([]string{"reset", "totp", "bob", "--justification", long(300), "--dry-run=server"}, f.at()...)...).err, "spec.justification: Too long")
	wantSays(t, f.ok(5, viewer, append([]string{"reset", "totp", "--from-file", path, "--dry-run=server"}, f.at()...)...).err, "bind the ClusterRole credential-reset-requester")
	wantSays(t, f.ok(5, requester, append([]string{"reset", "totp", "bob", "--dry-run=maybe"}, f.at()...)...).err, `say "none", "server", or "client"`)
	wantSays(t, f.ok(5, requester, append([]string{"reset", "totp", "bob", "--dry-run=client", "--print"}, f.at()...)...).err, "--print asks for nothing: leave --dry-run out")
	f.wantResets(simulator.SampleBobID, 0)
}
