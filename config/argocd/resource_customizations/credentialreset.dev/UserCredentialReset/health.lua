-- A request with one of these reasons goes on when a person acts, as a paused rollout does.
local waitsForAPerson = {AwaitingApproval = true, WorkspaceSuspended = true, SecondFactorRequired = true}

local health = {status = "Progressing", message = "The operator has not seen the request yet"}

local status = obj.status
if status == nil or status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local succeeded, finished, stalled = conditions.Succeeded, conditions.Finished, conditions.Stalled
if succeeded == nil or finished == nil then
  return health
end

health.message = succeeded.reason .. ": " .. succeeded.message
if stalled ~= nil and stalled.status == "True" then
  health.status = "Degraded"
elseif finished.status == "True" then
  health.status = "Healthy"
elseif waitsForAPerson[succeeded.reason] then
  health.status = "Suspended"
end
return health
