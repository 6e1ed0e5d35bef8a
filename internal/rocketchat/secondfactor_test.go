package rocketchat

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTOTPVectors proves that the codes are those of RFC 6238, appendix B, for
// SHA-1, cut to six digits.
func TestTOTPVectors(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int64]string{
		59:          "287082",
		1111111109:  "081804",
		1111111111:  "050471",
		1234567890:  "005924",
		2000000000:  "279037",
		20000000000: "353130",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			client := New(connect(t, "https://chat.example.com", nil), Options{Now: func() time.Time { return time.Unix(seconds, 0) }})
			defer client.Close()
			request, err := client.resetRequest(t.Context(), "v1/users.resetTOTP", targetID)
			if err != nil {
				t.Fatal(err)
			}
			if got := request.Header.Get("X-2fa-Code"); got != want {
				t.Errorf("the code at %d = %q, want %q", seconds, got, want)
			}
		})
	}
}

// factorCase is a change to a Secret and the headers that come of it.
type factorCase struct {
	changes map[string]string
	want    http.Header
	refused string // the key that is blamed
}

// factorCases are what a Secret may hold of a second factor, and what it may not.
func factorCases() map[string]factorCase {
	totp := http.Header{"X-2fa-Code": {testCode}, "X-2fa-Method": {"totp"}}
	typed := func(method, code string) map[string]string {
		return map[string]string{KeyTOTPSecret: absent, KeyTwoFactorMethod: method, KeyTwoFactorCode: code}
	}
	password := func(text string) http.Header {
		return http.Header{"X-2fa-Code": {passwordDigest(text)}, "X-2fa-Method": {"password"}}
	}
	return map[string]factorCase{
		"a secret":                     {changes: map[string]string{KeyTOTPSecret: testSecret}, want: totp},
		"a secret in lower case":       {changes: map[string]string{KeyTOTPSecret: strings.ToLower(testSecret)}, want: totp},
		"a secret in groups":           {changes: map[string]string{KeyTOTPSecret: "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"}, want: totp},
		"a secret in groups by hyphen": {changes: map[string]string{KeyTOTPSecret: "gezd-gnbv-gy3t-qojq-gezd-gnbv-gy3t-qojq"}, want: totp},
		"a secret over two lines":      {changes: map[string]string{KeyTOTPSecret: testSecret[:20] + "\r\n\t" + testSecret[20:] + "\n"}, want: totp},
		"a secret with wide blanks":    {changes: map[string]string{KeyTOTPSecret: testSecret[:20] + "\u00a0" + testSecret[20:]}, want: totp},
		"a padded secret":              {changes: map[string]string{KeyTOTPSecret: testSecret + "===\n"}, want: totp},
		"a secret that needs padding": {
			changes: map[string]string{KeyTOTPSecret: "GEZDGNBVGY3TQOJQGEZDGNBVGY"},
			want:    http.Header{"X-2fa-Code": {"454553"}, "X-2fa-Method": {"totp"}},
		},
		"a secret of no whole bytes":        {changes: map[string]string{KeyTOTPSecret: "GEZDGNBVGY3TQOJQGEZDGN"}, refused: KeyTOTPSecret},
		"a secret with padding inside":      {changes: map[string]string{KeyTOTPSecret: "GEZDGNBV=GY3TQOJQGEZDGNBV"}, refused: KeyTOTPSecret},
		"a code of six digits":              {changes: map[string]string{KeyTOTPSecret: "050471"}, refused: KeyTOTPSecret},
		"a code of digits that are base32":  {changes: map[string]string{KeyTOTPSecret: "234567"}, refused: KeyTOTPSecret},
		"two such codes":                    {changes: map[string]string{KeyTOTPSecret: "234567 2345 67"}, refused: KeyTOTPSecret},
		"a backup code":                     {changes: map[string]string{KeyTOTPSecret: "ABCDEFGH"}, refused: KeyTOTPSecret},
		"digits that are not base32":        {changes: map[string]string{KeyTOTPSecret: "01890189018901890189"}, refused: KeyTOTPSecret},
		"hex instead of base32":             {changes: map[string]string{KeyTOTPSecret: "31323334353637383930"}, refused: KeyTOTPSecret},
		"an empty secret":                   {changes: map[string]string{KeyTOTPSecret: ""}, refused: KeyTOTPSecret},
		"a blank secret":                    {changes: map[string]string{KeyTOTPSecret: " \n"}, refused: KeyTOTPSecret},
		"a secret too long":                 {changes: map[string]string{KeyTOTPSecret: strings.Repeat("A", maxSecretLength+8)}, refused: KeyTOTPSecret},
		"a secret that is no text":          {changes: map[string]string{KeyTOTPSecret: testSecret + "\xff\x00"}, refused: KeyTOTPSecret},
		"a password":                        {changes: map[string]string{KeyTOTPSecret: absent, KeyPassword: testPassword}, want: password(testPassword)},
		"a password from a file":            {changes: map[string]string{KeyTOTPSecret: absent, KeyPassword: testPassword + "\n"}, want: password(testPassword)},
		"a password from a file of Windows": {changes: map[string]string{KeyTOTPSecret: absent, KeyPassword: testPassword + "\r\n"}, want: password(testPassword)},
		"a password with blanks around":     {changes: map[string]string{KeyTOTPSecret: absent, KeyPassword: "  pass word "}, want: password("  pass word ")},
		"a password of another alphabet":    {changes: map[string]string{KeyTOTPSecret: absent, KeyPassword: "пароль"}, want: password("пароль")},
		"an empty password":                 {changes: map[string]string{KeyTOTPSecret: absent, KeyPassword: ""}, refused: KeyPassword},
		"a line break for a password":       {changes: map[string]string{KeyTOTPSecret: absent, KeyPassword: "\r\n"}, refused: KeyPassword},
		"a password too long":               {changes: map[string]string{KeyTOTPSecret: absent, KeyPassword: strings.Repeat("p", maxSecretLength+1)}, refused: KeyPassword},
		"both":                              {changes: map[string]string{KeyPassword: testPassword}, refused: KeyPassword},
		"both, one of them empty":           {changes: map[string]string{KeyPassword: ""}, refused: KeyPassword},
		"a mailed code":                     {changes: typed("email", "123-456\n"), want: http.Header{"X-2fa-Code": {"123456"}, "X-2fa-Method": {"email"}}},
		"a code that was typed":             {changes: typed("totp\n", "050 471"), want: totp},
		"a backup code that was typed":      {changes: typed("totp", "aBcD1234"), want: http.Header{"X-2fa-Code": {"aBcD1234"}, "X-2fa-Method": {"totp"}}},
		"a code of another method":          {changes: typed("password", "123456"), refused: KeyTwoFactorMethod},
		"a code of no method":               {changes: typed(absent, "123456"), refused: KeyTwoFactorMethod},
		"a method of no code":               {changes: typed("email", absent), refused: KeyTwoFactorMethod},
		"an empty code":                     {changes: typed("email", "\n"), refused: KeyTwoFactorCode},
		"a code too short":                  {changes: typed("email", "12345"), refused: KeyTwoFactorCode},
		"a code too long":                   {changes: typed("email", "123456789"), refused: KeyTwoFactorCode},
		"a code with other characters":      {changes: typed("email", "12345\u0660"), refused: KeyTwoFactorCode},
		"a code beside a secret":            {changes: map[string]string{KeyTwoFactorMethod: "email", KeyTwoFactorCode: "123456"}, refused: KeyTwoFactorCode},
		"a code beside a password":          {changes: map[string]string{KeyTOTPSecret: absent, KeyPassword: testPassword, KeyTwoFactorMethod: "email", KeyTwoFactorCode: "123456"}, refused: KeyTwoFactorCode},
		"none":                              {changes: map[string]string{KeyTOTPSecret: absent}, want: http.Header{}},
	}
}

// TestSecondFactor proves which second factor comes of what a Secret holds, and
// what is refused.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	for name, test := range factorCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, err := ParseConnection(secretData("https://chat.example.com", test.changes), false)
			if test.refused != "" {
				mustBlame(t, err, test.refused)
				return
			}
			if err != nil {
				t.Fatalf("ParseConnection = %v", err)
			}
			header := http.Header{}
			if err := connection.factor.set(header, testNow()); err != nil {
				t.Fatalf("set = %v", err)
			}
			if diff := cmp.Diff(test.want, header); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if _, isTyped := test.changes[KeyTwoFactorCode]; connection.IsGoodOnce() != isTyped {
				t.Errorf("IsGoodOnce = %t", connection.IsGoodOnce())
			}
			if (connection.SecondFactor() != "") != (len(test.want) > 0) {
				t.Errorf("HasSecondFactor = %t", connection.SecondFactor() != "")
			}
		})
	}
}

// TestPasswordDigest proves that a password is sent as Rocket.Chat compares it.
func TestPasswordDigest(t *testing.T) {
	t.Parallel()
	const want = "e66860546f18cdbbcd86b35e18b525bffc67f772c650cedfe3ff7a0026fa1dee" // SHA-256 of the bytes
	if got := passwordDigest("Passw0rd!"); got != want {
		t.Errorf("digest = %s, want %s", got, want)
	}
}

// TestCodesAreMadeByTheServersClock has a server whose clock is three hours ahead, as
// the Date of its answers tells.
func TestCodesAreMadeByTheServersClock(t *testing.T) {
	t.Parallel()
	const ahead = 3 * time.Hour
	code, err := totpCode(testSecret, testNow().Add(ahead))
	if err != nil {
		t.Fatal(err)
	}
	info := expectRead("/api/info", `{"success":true,"version":"8.6"}`)
	info.header, info.answer = nil, http.Header{"Date": {testNow().Add(ahead).Format(http.TimeFormat)}}
	reset := expectReset("users.resetTOTP")
	reset.header.Set("X-2fa-Code", code)
	server := newMockServer(t, info, reset)
	client := New(connect(t, server.URL, nil), Options{Policy: loopback(), Now: testNow})
	defer client.Close()
	if _, err := client.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := client.ResetTOTP(t.Context(), resetOf()); err != nil {
		t.Errorf("reset = %v", err)
	}
}
