local os = require("os")

local reason = ""
local status = obj.status or {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Succeeded" then
    reason = condition.reason
  end
end
local ended = status.outcome == "Failed" or status.outcome == "Skipped" or status.outcome == "Unconfirmed"
local settled = {Denied = true, TargetChanged = true, UserFederated = true, UserProtected = true}
-- Argo CD also runs what discovery does not offer.
if not ended or status.target == nil or settled[reason] then
  error("there is nothing to ask for again: the request must have ended without a reset, for a user who is known", 0)
end

local hours = actionParams["hours"]
if hours == nil or hours == "" then
  hours = 1
end
hours = tonumber(hours)
if hours == nil or hours <= 0 or hours > 168 then
  error("hours must be a number above 0, at most 168", 0)
end

-- The libraries that Argo CD opens neither format numbers nor show another instant than now in UTC. The days are
-- counted in years that begin in March, so that the leap day is the last one.
local function quotient(a, b)
  return (a - a % b) / b
end

local function padded(n)
  if n < 10 then
    return "0" .. n
  end
  return "" .. n
end

local function utc(seconds)
  seconds = seconds - seconds % 1
  local ofDay = seconds % 86400
  local days = quotient(seconds, 86400) + 719468
  local era = quotient(days, 146097)
  local ofEra = days % 146097
  local yearOfEra = quotient(ofEra - quotient(ofEra, 1460) + quotient(ofEra, 36524) - quotient(ofEra, 146096), 365)
  local ofYear = ofEra - (365 * yearOfEra + quotient(yearOfEra, 4) - quotient(yearOfEra, 100))
  local march = quotient(5 * ofYear + 2, 153)
  local day = ofYear - quotient(153 * march + 2, 5) + 1
  local month = march + 3
  local year = yearOfEra + era * 400
  if month > 12 then
    month = month - 12
    year = year + 1
  end
  return year .. "-" .. padded(month) .. "-" .. padded(day)
    .. "T" .. padded(quotient(ofDay, 3600)) .. ":" .. padded(quotient(ofDay % 3600, 60)) .. ":" .. padded(ofDay % 60) .. "Z"
end

local justification = actionParams["justification"]
if justification == nil or justification == "" then
  justification = obj.spec.justification
end

-- Labels and annotations are left behind: those of a backup, a hook or Argo CD's tracking would not be true of it.
return {
  {
    operation = "create",
    resource = {
      apiVersion = obj.apiVersion,
      kind = obj.kind,
      metadata = {
        generateName = obj.metadata.name .. "-",
        namespace = obj.metadata.namespace,
        ownerReferences = {
          {apiVersion = obj.apiVersion, kind = obj.kind, name = obj.metadata.name, uid = obj.metadata.uid},
        },
      },
      spec = {
        workspaceRef = obj.spec.workspaceRef,
        user = {id = status.target.userID},
        type = obj.spec.type,
        notAfterTime = utc(os.time() + hours * 3600),
        justification = justification,
        ttlSecondsAfterFinished = obj.spec.ttlSecondsAfterFinished,
      },
    },
  },
}
