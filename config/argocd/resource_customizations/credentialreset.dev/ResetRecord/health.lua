local attempts = obj.attempts or {}
local last = attempts[#attempts]
if last == nil or last.result == nil then
  return {status = "Progressing", message = "An attempt is being carried out"}
end

-- What was found out later is the truth.
local result = last.lateResult or last.result
local message = "Attempt " .. #attempts .. ": " .. result
if last.reason ~= nil then
  message = message .. " (" .. last.reason .. ")"
end
if result == "Unconfirmed" then
  return {status = "Degraded", message = message}
end
return {status = "Healthy", message = message}
