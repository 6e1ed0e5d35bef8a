package api

// requestFields are changes to a whole request that is created.
var requestFields = map[string]fieldCase{
	"a whole request": {},
	"a request with nothing but what is required": {
		change: []operation{remove("/spec/workspaceRef/namespace"), remove("/spec/user/id"), remove("/spec/justification"), remove("/spec/requestedBy"), remove("/spec/ttlSecondsAfterFinished")},
	},
	"no spec":               {[]operation{remove("/spec")}, required("spec")},
	"an empty spec":         {[]operation{set("/spec", map[string]any{})}, required("spec.type")},
	"a spec that is a text": {[]operation{set("/spec", "TOTP")}, wrongType("spec")},

	"no workspaceRef":                               {[]operation{remove("/spec/workspaceRef")}, required("spec.workspaceRef")},
	"an empty workspaceRef":                         {[]operation{set("/spec/workspaceRef", map[string]any{})}, required("spec.workspaceRef.name")},
	"no name of the workspace":                      {[]operation{remove("/spec/workspaceRef/name")}, required("spec.workspaceRef.name")},
	"an empty name of the workspace":                {[]operation{set("/spec/workspaceRef/name", "")}, tooShort("spec.workspaceRef.name", 1)},
	"a name of the workspace of 253 characters":     {[]operation{set("/spec/workspaceRef/name", characters(253, "a"))}, nil},
	"a name of the workspace of 254 characters":     {[]operation{set("/spec/workspaceRef/name", characters(254, "a"))}, tooLong("spec.workspaceRef.name", 253)},
	"a name of the workspace with points":           {[]operation{set("/spec/workspaceRef/name", "chat.example.com")}, nil},
	"a name of the workspace in capitals":           {[]operation{set("/spec/workspaceRef/name", "Chat")}, unlike("spec.workspaceRef.name")},
	"a name of the workspace with a slash":          {[]operation{set("/spec/workspaceRef/name", "chat/chat")}, unlike("spec.workspaceRef.name")},
	"a name of the workspace that ends with a dash": {[]operation{set("/spec/workspaceRef/name", "chat-")}, unlike("spec.workspaceRef.name")},
	"a name of the workspace that is two points":    {[]operation{set("/spec/workspaceRef/name", "..")}, unlike("spec.workspaceRef.name")},
	"a name of the workspace with a line's end":     {[]operation{set("/spec/workspaceRef/name", "chat\n")}, unlike("spec.workspaceRef.name")},

	"an empty namespace of the workspace":               {[]operation{set("/spec/workspaceRef/namespace", "")}, tooShort("spec.workspaceRef.namespace", 1)},
	"a namespace of the workspace of 63 characters":     {[]operation{set("/spec/workspaceRef/namespace", characters(63, "a"))}, nil},
	"a namespace of the workspace of 64 characters":     {[]operation{set("/spec/workspaceRef/namespace", characters(64, "a"))}, tooLong("spec.workspaceRef.namespace", 63)},
	"a namespace of the workspace with a point":         {[]operation{set("/spec/workspaceRef/namespace", "chat.prod")}, unlike("spec.workspaceRef.namespace")},
	"a namespace of the workspace in capitals":          {[]operation{set("/spec/workspaceRef/namespace", "Chat")}, unlike("spec.workspaceRef.namespace")},
	"a namespace of the workspace that is an asterisk":  {[]operation{set("/spec/workspaceRef/namespace", "*")}, unlike("spec.workspaceRef.namespace")},
	"a namespace of the workspace that begins with one": {[]operation{set("/spec/workspaceRef/namespace", "1chat")}, nil},

	"no user":                       {[]operation{remove("/spec/user")}, required("spec.user")},
	"a user that is a text":         {[]operation{set("/spec/user", "alice")}, wrongType("spec.user")},
	"a user without any name":       {[]operation{set("/spec/user", map[string]any{})}, invalid("spec.user", oneOfTheUser)},
	"a user of whom both are null":  {[]operation{set("/spec/user", map[string]any{"username": nil, "id": nil})}, invalid("spec.user", oneOfTheUser)},
	"a user by username alone":      {[]operation{remove("/spec/user/id")}, nil},
	"a user by id alone":            {[]operation{remove("/spec/user/username")}, nil},
	"an empty username beside one":  {[]operation{set("/spec/user/username", "")}, tooShort("spec.user.username", 1)},
	"an empty id beside a username": {[]operation{set("/spec/user/id", "")}, tooShort("spec.user.id", 1)},

	"a username of 255 characters":              {[]operation{set("/spec/user/username", characters(255, "a"))}, nil},
	"a username of 255 characters of two bytes": {[]operation{set("/spec/user/username", characters(255, "ü"))}, nil},
	"a username of 256 characters":              {[]operation{set("/spec/user/username", characters(256, "a"))}, tooLong("spec.user.username", 255)},
	"a username of one character":               {[]operation{set("/spec/user/username", "a")}, nil},
	"a username with a space inside":            {[]operation{set("/spec/user/username", "alice b")}, nil},
	"a username with an at sign inside":         {[]operation{set("/spec/user/username", "alice@partner")}, nil},
	"a username of another server":              {[]operation{set("/spec/user/username", "erin:partner.example")}, nil},
	"a username with an at sign in front":       {[]operation{set("/spec/user/username", "@alice")}, unlike("spec.user.username")},
	"a username with a space in front":          {[]operation{set("/spec/user/username", " alice")}, unlike("spec.user.username")},
	"a username with a space behind":            {[]operation{set("/spec/user/username", "alice ")}, unlike("spec.user.username")},
	"a username that is a space":                {[]operation{set("/spec/user/username", " ")}, unlike("spec.user.username")},
	"a username with a tab inside":              {[]operation{set("/spec/user/username", "ali\tce")}, unlike("spec.user.username")},
	"a username of two lines":                   {[]operation{set("/spec/user/username", "alice\nbob")}, unlike("spec.user.username")},
	"a username with a line's end":              {[]operation{set("/spec/user/username", "alice\n")}, unlike("spec.user.username")},
	"a username with a carriage return":         {[]operation{set("/spec/user/username", "alice\rbob")}, unlike("spec.user.username")},
	"a username with an escape sequence":        {[]operation{set("/spec/user/username", "alice\x1b[2K")}, unlike("spec.user.username")},
	"a username with a null byte":               {[]operation{set("/spec/user/username", "ali\x00ce")}, unlike("spec.user.username")},
	"a username that is a vertical tab":         {[]operation{set("/spec/user/username", "\v")}, unlike("spec.user.username")},
	"a username with a deletion":                {[]operation{set("/spec/user/username", "alice\x7f")}, unlike("spec.user.username")},
	"a username that is a number":               {[]operation{set("/spec/user/username", 7)}, wrongType("spec.user.username")},

	"an id of 128 characters":       {[]operation{set("/spec/user/id", characters(128, "a"))}, nil},
	"an id of 129 characters":       {[]operation{set("/spec/user/id", characters(129, "a"))}, tooLong("spec.user.id", 128)},
	"an id with a space":            {[]operation{set("/spec/user/id", "alice id")}, unlike("spec.user.id")},
	"an id with a line's end":       {[]operation{set("/spec/user/id", "aliceid01\n")}, unlike("spec.user.id")},
	"an id with an escape sequence": {[]operation{set("/spec/user/id", "aliceid01\x1b[2K")}, unlike("spec.user.id")},
	"an id with a null byte":        {[]operation{set("/spec/user/id", "aliceid\x00")}, unlike("spec.user.id")},
	"an id that is a list of ids":   {[]operation{set("/spec/user/id", []string{"aliceid01"})}, wrongType("spec.user.id")},
	"an id that is an object":       {[]operation{set("/spec/user/id", map[string]any{})}, wrongType("spec.user.id")},

	"no type":                    {[]operation{remove("/spec/type")}, required("spec.type")},
	"an empty type":              {[]operation{set("/spec/type", "")}, unsupported("spec.type")},
	"the type TOTP":              {[]operation{set("/spec/type", "TOTP")}, nil},
	"the type E2EKey":            {[]operation{set("/spec/type", "E2EKey")}, nil},
	"a type in small letters":    {[]operation{set("/spec/type", "totp")}, unsupported("spec.type")},
	"a type that does not exist": {[]operation{set("/spec/type", "Password")}, unsupported("spec.type")},

	"no notAfterTime":                 {[]operation{remove("/spec/notAfterTime")}, required("spec.notAfterTime")},
	"a notAfterTime that is null":     {[]operation{set("/spec/notAfterTime", nil)}, required("spec.notAfterTime")},
	"an empty notAfterTime":           {[]operation{set("/spec/notAfterTime", "")}, notATime("spec.notAfterTime")},
	"a notAfterTime in words":         {[]operation{set("/spec/notAfterTime", "tomorrow")}, notATime("spec.notAfterTime")},
	"a notAfterTime that is a number": {[]operation{set("/spec/notAfterTime", 1893456000)}, wrongType("spec.notAfterTime")},
	"a notAfterTime in small letters": {[]operation{set("/spec/notAfterTime", "2030-01-01t00:00:00z")}, invalid("spec.notAfterTime", notSuchATime)},

	"an empty justification":                         {[]operation{set("/spec/justification", "")}, tooShort("spec.justification", 1)},
	"a justification of 256 characters":              {[]operation{set("/spec/justification", characters(256, "a"))}, nil},
	"a justification of 256 characters of two bytes": {[]operation{set("/spec/justification", characters(256, "ü"))}, nil},
	"a justification of 257 characters":              {[]operation{set("/spec/justification", characters(257, "a"))}, tooLong("spec.justification", 256)},
	"a justification of two lines":                   {[]operation{set("/spec/justification", "one\ntwo")}, unlike("spec.justification")},
	"a justification with a tab":                     {[]operation{set("/spec/justification", "one\ttwo")}, unlike("spec.justification")},
	"a justification with an escape sequence":        {[]operation{set("/spec/justification", "\x1b[2Kone")}, unlike("spec.justification")},
	"a justification with a null byte":               {[]operation{set("/spec/justification", "one\x00")}, unlike("spec.justification")},
	"a justification with a deletion":                {[]operation{set("/spec/justification", "one\x7f")}, unlike("spec.justification")},
	"a ttlSecondsAfterFinished of 0":                 {[]operation{set("/spec/ttlSecondsAfterFinished", 0)}, nil},
	"a negative ttlSecondsAfterFinished":             {[]operation{set("/spec/ttlSecondsAfterFinished", -1)}, belowMinimum("spec.ttlSecondsAfterFinished", 0)},
	"a ttlSecondsAfterFinished of a year":            {[]operation{set("/spec/ttlSecondsAfterFinished", 31536000)}, nil},
	"a ttlSecondsAfterFinished of over a year":       {[]operation{set("/spec/ttlSecondsAfterFinished", 31536001)}, aboveMaximum("spec.ttlSecondsAfterFinished", 31536000)},
	"an empty requestedBy":                           {[]operation{set("/spec/requestedBy", "")}, tooShort("spec.requestedBy", 1)},
	"a requestedBy of 512 characters":                {[]operation{set("/spec/requestedBy", characters(512, "a"))}, nil},
	"a requestedBy of 513 characters":                {[]operation{set("/spec/requestedBy", characters(513, "a"))}, tooLong("spec.requestedBy", 512)},
	"a requestedBy of two lines":                     {[]operation{set("/spec/requestedBy", "ann\nbob")}, unlike("spec.requestedBy")},
	"a requestedBy that is a robot":                  {[]operation{set("/spec/requestedBy", "system:serviceaccount:argocd:argocd-application-controller")}, nil},
	"a justification in any language":                {[]operation{set("/spec/justification", "Telefon verloren – 紛失 #4711")}, nil},
}

// What the rules of a request say.
const (
	oneOfTheUser = "at least one of the fields in [username id] must be set"
	notSuchATime = "notAfterTime must be a time such as 2026-07-01T12:00:00Z"
)

// requestStatusFields are changes to a whole status of a request.
var requestStatusFields = map[string]fieldCase{
	"a whole status of a request": {},
	"an empty status":             {[]operation{set("/status", map[string]any{})}, nil},

	"an empty outcome":              {[]operation{set("/status/outcome", "")}, unsupported("status.outcome")},
	"the outcome Succeeded":         {[]operation{set("/status/outcome", "Succeeded")}, nil},
	"the outcome Failed":            {[]operation{set("/status/outcome", "Failed")}, nil},
	"the outcome Skipped":           {[]operation{set("/status/outcome", "Skipped")}, nil},
	"the outcome Unconfirmed":       {[]operation{set("/status/outcome", "Unconfirmed")}, nil},
	"an outcome that is none":       {[]operation{set("/status/outcome", "Expired")}, unsupported("status.outcome")},
	"an outcome in small letters":   {[]operation{set("/status/outcome", "succeeded")}, unsupported("status.outcome")},
	"an observedGeneration of 0":    {[]operation{set("/status/observedGeneration", 0)}, nil},
	"an observedGeneration of -1":   {[]operation{set("/status/observedGeneration", -1)}, nil},
	"an observedGeneration of -2":   {[]operation{set("/status/observedGeneration", -2)}, belowMinimum("status.observedGeneration", -1)},
	"an observedGeneration of 1.5":  {[]operation{set("/status/observedGeneration", 1.5)}, wrongType("status.observedGeneration")},
	"an observedGeneration in text": {[]operation{set("/status/observedGeneration", "1")}, wrongType("status.observedGeneration")},

	"no host of the target":                   {[]operation{remove("/status/target/host")}, required("status.target.host")},
	"an empty host of the target":             {[]operation{set("/status/target/host", "")}, tooShort("status.target.host", 1)},
	"a host of the target of 1024 characters": {[]operation{set("/status/target/host", characters(1024, "a"))}, nil},
	"a host of the target of 1025 characters": {[]operation{set("/status/target/host", characters(1025, "a"))}, tooLong("status.target.host", 1024)},
	"no user id of the target":                {[]operation{remove("/status/target/userID")}, required("status.target.userID")},
	"an empty user id of the target":          {[]operation{set("/status/target/userID", "")}, tooShort("status.target.userID", 1)},
	"a user id of the target of 128 letters":  {[]operation{set("/status/target/userID", characters(128, "a"))}, nil},
	"a user id of the target of 129 letters":  {[]operation{set("/status/target/userID", characters(129, "a"))}, tooLong("status.target.userID", 128)},
	"no username of the target":               {[]operation{remove("/status/target/username")}, required("status.target.username")},
	"an empty username of the target":         {[]operation{set("/status/target/username", "")}, tooShort("status.target.username", 1)},
	"a username of the target of 255 letters": {[]operation{set("/status/target/username", characters(255, "ü"))}, nil},
	"a username of the target of 256 letters": {[]operation{set("/status/target/username", characters(256, "a"))}, tooLong("status.target.username", 255)},

	"no name of the record":                {[]operation{remove("/status/recordRef/name")}, required("status.recordRef.name")},
	"an empty name of the record":          {[]operation{set("/status/recordRef/name", "")}, tooShort("status.recordRef.name", 1)},
	"a name of the record of 253 letters":  {[]operation{set("/status/recordRef/name", characters(253, "a"))}, nil},
	"a name of the record of 254 letters":  {[]operation{set("/status/recordRef/name", characters(254, "a"))}, tooLong("status.recordRef.name", 253)},
	"a completionTime that is only a day":  {[]operation{set("/status/completionTime", "2030-01-01")}, notATime("status.completionTime")},
	"an empty completionTime":              {[]operation{set("/status/completionTime", "")}, notATime("status.completionTime")},
	"a completionTime in another zone":     {[]operation{set("/status/completionTime", "2030-01-01T01:00:00+01:00")}, nil},
	"a target that is a text":              {[]operation{set("/status/target", "alice")}, wrongType("status.target")},
	"a recordRef that is a text":           {[]operation{set("/status/recordRef", "record")}, wrongType("status.recordRef")},
	"a status without target and record":   {[]operation{remove("/status/target"), remove("/status/recordRef")}, nil},
	"a status without outcome, still open": {[]operation{remove("/status/outcome"), remove("/status/completionTime")}, nil},
}

func conditions(types ...string) []any {
	list := make([]any, len(types))
	for i, name := range types {
		list[i] = map[string]any{"type": name, "status": "True", "reason": "Because", "message": "", "lastTransitionTime": now}
	}
	return list
}

// conditionFields are changes to the conditions of a request or of a workspace.
var conditionFields = map[string]fieldCase{
	"no conditions": {[]operation{remove("/status/conditions")}, nil},
	"eight conditions": {
		[]operation{set("/status/conditions", conditions("A", "B", "C", "D", "E", "F", "G", "H"))}, nil,
	},
	"nine conditions": {
		[]operation{set("/status/conditions", conditions("A", "B", "C", "D", "E", "F", "G", "H", "I"))}, tooMany("status.conditions", 8),
	},
	"two conditions of the same type":         {[]operation{set("/status/conditions", conditions("A", "A"))}, duplicate("status.conditions[1]")},
	"a condition without a type":              {[]operation{remove("/status/conditions/0/type")}, required("status.conditions[0].type")},
	"a condition of an empty type":            {[]operation{set("/status/conditions/0/type", "")}, unlike("status.conditions[0].type")},
	"a condition of a type of 316 letters":    {[]operation{set("/status/conditions/0/type", characters(316, "A"))}, nil},
	"a condition of a type of 317 letters":    {[]operation{set("/status/conditions/0/type", characters(317, "A"))}, tooLong("status.conditions[0].type", 316)},
	"a condition of a type of two words":      {[]operation{set("/status/conditions/0/type", "Not Ready")}, unlike("status.conditions[0].type")},
	"a condition without a status":            {[]operation{remove("/status/conditions/0/status")}, required("status.conditions[0].status")},
	"a condition that is Unknown":             {[]operation{set("/status/conditions/0/status", "Unknown")}, nil},
	"a condition that is true":                {[]operation{set("/status/conditions/0/status", "true")}, unsupported("status.conditions[0].status")},
	"a condition of an empty status":          {[]operation{set("/status/conditions/0/status", "")}, unsupported("status.conditions[0].status")},
	"a condition without a reason":            {[]operation{remove("/status/conditions/0/reason")}, required("status.conditions[0].reason")},
	"a condition with an empty reason":        {[]operation{set("/status/conditions/0/reason", "")}, tooShort("status.conditions[0].reason", 1)},
	"a condition with a reason of 1024":       {[]operation{set("/status/conditions/0/reason", characters(1024, "A"))}, nil},
	"a condition with a reason of 1025":       {[]operation{set("/status/conditions/0/reason", characters(1025, "A"))}, tooLong("status.conditions[0].reason", 1024)},
	"a condition with a reason of two words":  {[]operation{set("/status/conditions/0/reason", "Not ready")}, unlike("status.conditions[0].reason")},
	"a condition without a message":           {[]operation{remove("/status/conditions/0/message")}, required("status.conditions[0].message")},
	"a condition with a message of 32768":     {[]operation{set("/status/conditions/0/message", characters(32768, "a"))}, nil},
	"a condition with a message of 32769":     {[]operation{set("/status/conditions/0/message", characters(32769, "a"))}, tooLong("status.conditions[0].message", 32768)},
	"a condition without a time":              {[]operation{remove("/status/conditions/0/lastTransitionTime")}, required("status.conditions[0].lastTransitionTime")},
	"a condition with a time in words":        {[]operation{set("/status/conditions/0/lastTransitionTime", "now")}, notATime("status.conditions[0].lastTransitionTime")},
	"a condition without its generation":      {[]operation{remove("/status/conditions/0/observedGeneration")}, nil},
	"a condition of the generation before 0":  {[]operation{set("/status/conditions/0/observedGeneration", -1)}, belowMinimum("status.conditions[0].observedGeneration", 0)},
	"conditions that are not a list of those": {[]operation{set("/status/conditions", "Ready")}, wrongType("status.conditions")},
}
