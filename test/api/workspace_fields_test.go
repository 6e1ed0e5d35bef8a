package api

import "fmt"

// numbered is a list of so many different texts.
func numbered(count int) []string {
	list := make([]string, count)
	for i := range list {
		list[i] = fmt.Sprintf("n%d", i)
	}
	return list
}

// workspaceFields are changes to a whole workspace that is created.
var workspaceFields = map[string]fieldCase{
	"a whole workspace": {},
	"a workspace with nothing but what is required": {
		change: []operation{set("/spec", map[string]any{"secretRef": map[string]any{"name": "chat"}, "allowedTypes": []string{"TOTP"}})},
	},
	"no spec": {[]operation{remove("/spec")}, required("spec")},

	"no secretRef":                              {[]operation{remove("/spec/secretRef")}, required("spec.secretRef")},
	"no name of the Secret":                     {[]operation{remove("/spec/secretRef/name")}, required("spec.secretRef.name")},
	"an empty name of the Secret":               {[]operation{set("/spec/secretRef/name", "")}, tooShort("spec.secretRef.name", 1)},
	"a name of the Secret of 253 characters":    {[]operation{set("/spec/secretRef/name", characters(253, "a"))}, nil},
	"a name of the Secret of 254 characters":    {[]operation{set("/spec/secretRef/name", characters(254, "a"))}, tooLong("spec.secretRef.name", 253)},
	"a name of the Secret with another's space": {[]operation{set("/spec/secretRef/name", "other/chat")}, unlike("spec.secretRef.name")},
	"a name of the Secret in capitals":          {[]operation{set("/spec/secretRef/name", "Chat")}, unlike("spec.secretRef.name")},

	"no allowedNamespaces":               {[]operation{remove("/spec/allowedNamespaces")}, nil},
	"allowedNamespaces without names":    {[]operation{set("/spec/allowedNamespaces", map[string]any{})}, required("spec.allowedNamespaces.names")},
	"an empty list of namespaces":        {[]operation{set("/spec/allowedNamespaces/names", []string{})}, tooFew("spec.allowedNamespaces.names", 1)},
	"256 namespaces":                     {[]operation{set("/spec/allowedNamespaces/names", numbered(256))}, nil},
	"257 namespaces":                     {[]operation{set("/spec/allowedNamespaces/names", numbered(257))}, tooMany("spec.allowedNamespaces.names", 256)},
	"a namespace twice":                  {[]operation{set("/spec/allowedNamespaces/names/1", "support"), remove("/spec/allowedNamespaces/names/2")}, duplicate("spec.allowedNamespaces.names[1]")},
	"an empty namespace":                 {[]operation{replace("/spec/allowedNamespaces/names/0", "")}, tooShort("spec.allowedNamespaces.names[0]", 1)},
	"a namespace of 63 characters":       {[]operation{replace("/spec/allowedNamespaces/names/0", characters(63, "a"))}, nil},
	"a namespace of 64 characters":       {[]operation{replace("/spec/allowedNamespaces/names/0", characters(64, "a"))}, tooLong("spec.allowedNamespaces.names[0]", 63)},
	"all namespaces":                     {[]operation{replace("/spec/allowedNamespaces/names/0", "*")}, unlike("spec.allowedNamespaces.names[0]")},
	"a namespace in capitals":            {[]operation{replace("/spec/allowedNamespaces/names/0", "Support")}, unlike("spec.allowedNamespaces.names[0]")},
	"a namespace with a point":           {[]operation{replace("/spec/allowedNamespaces/names/0", "support.prod")}, unlike("spec.allowedNamespaces.names[0]")},
	"namespaces that are a single text":  {[]operation{set("/spec/allowedNamespaces/names", "support")}, wrongType("spec.allowedNamespaces.names")},
	"a namespace that is a number":       {[]operation{replace("/spec/allowedNamespaces/names/0", 7)}, wrongType("spec.allowedNamespaces.names[0]")},
	"allowedNamespaces that are a list":  {[]operation{set("/spec/allowedNamespaces", []string{"support"})}, wrongType("spec.allowedNamespaces")},
	"allowedNamespaces that are a glob":  {[]operation{set("/spec/allowedNamespaces", "*")}, wrongType("spec.allowedNamespaces")},
	"a namespace that ends with a dash":  {[]operation{replace("/spec/allowedNamespaces/names/0", "support-")}, unlike("spec.allowedNamespaces.names[0]")},
	"a namespace that begins with a one": {[]operation{replace("/spec/allowedNamespaces/names/0", "1support")}, nil},

	"no allowedTypes":            {[]operation{remove("/spec/allowedTypes")}, required("spec.allowedTypes")},
	"an empty list of types":     {[]operation{set("/spec/allowedTypes", []string{})}, tooFew("spec.allowedTypes", 1)},
	"one type":                   {[]operation{set("/spec/allowedTypes", []string{"E2EKey"})}, nil},
	"three types":                {[]operation{set("/spec/allowedTypes", []string{"TOTP", "E2EKey", "TOTP"})}, tooMany("spec.allowedTypes", 2)},
	"a type twice":               {[]operation{set("/spec/allowedTypes", []string{"TOTP", "TOTP"})}, duplicate("spec.allowedTypes[1]")},
	"a type that does not exist": {[]operation{set("/spec/allowedTypes", []string{"Password"})}, unsupported("spec.allowedTypes[0]")},
	"an empty type":              {[]operation{set("/spec/allowedTypes", []string{""})}, unsupported("spec.allowedTypes[0]")},

	"no protectedUserIDs":                  {[]operation{remove("/spec/protectedUserIDs")}, nil},
	"an empty list of protected users":     {[]operation{set("/spec/protectedUserIDs", []string{})}, nil},
	"1024 protected users":                 {[]operation{set("/spec/protectedUserIDs", numbered(1024))}, nil},
	"1025 protected users":                 {[]operation{set("/spec/protectedUserIDs", numbered(1025))}, tooMany("spec.protectedUserIDs", 1024)},
	"a protected user twice":               {[]operation{replace("/spec/protectedUserIDs/1", "rootid0001")}, duplicate("spec.protectedUserIDs[1]")},
	"an empty protected user":              {[]operation{replace("/spec/protectedUserIDs/0", "")}, tooShort("spec.protectedUserIDs[0]", 1)},
	"a protected user of 128 characters":   {[]operation{replace("/spec/protectedUserIDs/0", characters(128, "a"))}, nil},
	"a protected user of 129 characters":   {[]operation{replace("/spec/protectedUserIDs/0", characters(129, "a"))}, tooLong("spec.protectedUserIDs[0]", 128)},
	"a protected user with a space":        {[]operation{replace("/spec/protectedUserIDs/0", "root id")}, unlike("spec.protectedUserIDs[0]")},
	"protected users that are one text":    {[]operation{set("/spec/protectedUserIDs", "rootid0001")}, wrongType("spec.protectedUserIDs")},
	"a protected user with a line's end":   {[]operation{replace("/spec/protectedUserIDs/0", "rootid0001\n")}, unlike("spec.protectedUserIDs[0]")},
	"the own account protected":            {[]operation{set("/spec/ownAccount", "Protected")}, nil},
	"the own account allowed":              {[]operation{set("/spec/ownAccount", "Allowed")}, nil},
	"an empty ownAccount":                  {[]operation{set("/spec/ownAccount", "")}, unsupported("spec.ownAccount")},
	"an ownAccount in small letters":       {[]operation{set("/spec/ownAccount", "allowed")}, unsupported("spec.ownAccount")},
	"an ownAccount that is true":           {[]operation{set("/spec/ownAccount", true)}, wrongType("spec.ownAccount")},
	"a time-out of 0 seconds":              {[]operation{set("/spec/requestTimeoutSeconds", 0)}, belowMinimum("spec.requestTimeoutSeconds", 1)},
	"a time-out of less than nothing":      {[]operation{set("/spec/requestTimeoutSeconds", -1)}, belowMinimum("spec.requestTimeoutSeconds", 1)},
	"a time-out of 1 second":               {[]operation{set("/spec/requestTimeoutSeconds", 1)}, nil},
	"a time-out of 15 seconds":             {[]operation{set("/spec/requestTimeoutSeconds", 15)}, nil},
	"a time-out of 16 seconds":             {[]operation{set("/spec/requestTimeoutSeconds", 16)}, aboveMaximum("spec.requestTimeoutSeconds", 15)},
	"a time-out of a second and a half":    {[]operation{set("/spec/requestTimeoutSeconds", 1.5)}, wrongType("spec.requestTimeoutSeconds")},
	"a time-out in words":                  {[]operation{set("/spec/requestTimeoutSeconds", "10s")}, wrongType("spec.requestTimeoutSeconds")},
	"a time-out that no int32 can hold":    {[]operation{set("/spec/requestTimeoutSeconds", int64(1)<<32+10)}, aboveMaximum("spec.requestTimeoutSeconds", 15)},
	"a workspace that is not suspended":    {[]operation{set("/spec/suspend", false)}, nil},
	"no type requires approval":            {[]operation{remove("/spec/approvalRequiredTypes")}, nil},
	"an empty list of approval":            {[]operation{set("/spec/approvalRequiredTypes", []string{})}, tooFew("spec.approvalRequiredTypes", 1)},
	"three types that require approval":    {[]operation{set("/spec/approvalRequiredTypes", []string{"TOTP", "E2EKey", "TOTP"})}, tooMany("spec.approvalRequiredTypes", 2)},
	"a type that requires approval twice":  {[]operation{set("/spec/approvalRequiredTypes", []string{"TOTP", "TOTP"})}, duplicate("spec.approvalRequiredTypes[1]")},
	"a type of approval that is none":      {[]operation{set("/spec/approvalRequiredTypes", []string{"Password"})}, unsupported("spec.approvalRequiredTypes[0]")},
	"a suspend that is a text":             {[]operation{set("/spec/suspend", "true")}, wrongType("spec.suspend")},
	"a protected user that is no text":     {[]operation{replace("/spec/protectedUserIDs/0", 7)}, wrongType("spec.protectedUserIDs[0]")},
	"a Secret's name that is no text":      {[]operation{set("/spec/secretRef/name", 7)}, wrongType("spec.secretRef.name")},
	"a secretRef that is a text":           {[]operation{set("/spec/secretRef", "chat")}, wrongType("spec.secretRef")},
	"allowedTypes that are a single text":  {[]operation{set("/spec/allowedTypes", "TOTP")}, wrongType("spec.allowedTypes")},
	"a spec that is a list":                {[]operation{set("/spec", []string{})}, wrongType("spec")},
	"a workspace suspended from the start": {[]operation{set("/spec/suspend", true)}, nil},
}

// workspaceStatusFields are changes to a whole status of a workspace.
var workspaceStatusFields = map[string]fieldCase{
	"a whole status of a workspace": {},
	"an empty status":               {[]operation{set("/status", map[string]any{})}, nil},
	"an observedGeneration of -1":   {[]operation{set("/status/observedGeneration", -1)}, nil},
	"an observedGeneration of -2":   {[]operation{set("/status/observedGeneration", -2)}, belowMinimum("status.observedGeneration", -1)},
	"an empty host":                 {[]operation{set("/status/host", "")}, tooShort("status.host", 1)},
	"a host of 1024 characters":     {[]operation{set("/status/host", characters(1024, "a"))}, nil},
	"a host of 1025 characters":     {[]operation{set("/status/host", characters(1025, "a"))}, tooLong("status.host", 1024)},
	"an empty version":              {[]operation{set("/status/version", "")}, tooShort("status.version", 1)},
	"a version of 64 characters":    {[]operation{set("/status/version", characters(64, "8"))}, nil},
	"a version of 65 characters":    {[]operation{set("/status/version", characters(65, "8"))}, tooLong("status.version", 64)},
	"a version that is a number":    {[]operation{set("/status/version", 8.6)}, wrongType("status.version")},
	"an empty account":              {[]operation{set("/status/accountUsername", "")}, tooShort("status.accountUsername", 1)},
	"an account of 255 characters":  {[]operation{set("/status/accountUsername", characters(255, "a"))}, nil},
	"an account of 256 characters":  {[]operation{set("/status/accountUsername", characters(256, "a"))}, tooLong("status.accountUsername", 255)},
	"the second factor TOTP":        {[]operation{set("/status/secondFactorMethod", "TOTP")}, nil},
	"the second factor Password":    {[]operation{set("/status/secondFactorMethod", "Password")}, nil},
	"the second factor Email":       {[]operation{set("/status/secondFactorMethod", "Email")}, nil},
	"the second factor None":        {[]operation{set("/status/secondFactorMethod", "None")}, nil},
	"an empty second factor":        {[]operation{set("/status/secondFactorMethod", "")}, unsupported("status.secondFactorMethod")},
	"another second factor":         {[]operation{set("/status/secondFactorMethod", "SMS")}, unsupported("status.secondFactorMethod")},
	"no permitted type":             {[]operation{set("/status/permittedTypes", []string{})}, nil},
	"three permitted types":         {[]operation{set("/status/permittedTypes", []string{"TOTP", "E2EKey", "TOTP"})}, tooMany("status.permittedTypes", 2)},
	"a permitted type twice":        {[]operation{set("/status/permittedTypes", []string{"TOTP", "TOTP"})}, duplicate("status.permittedTypes[1]")},
	"a permitted type of no name":   {[]operation{set("/status/permittedTypes", []string{""})}, unsupported("status.permittedTypes[0]")},
}
