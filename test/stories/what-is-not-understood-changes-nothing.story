# Wrong words, wrong units, wrong names: each gets a clear no, and the house goes on.
operator: migrat harddisk5 to harddisk8 on sql01
= Did you mean `migrate harddisk5 to harddisk8 on sql01`?
operator: migrate harddisk5 to harddisk8 on sql1
= I know no target called sql1
operator: migrate harddisk5; rm -rf / to harddisk8 on sql01
= I stopped understanding
operator: estimate 4 parsecs over 50Mb/s
= There I expected B, kB, MB, GB, TB
operator: throttle session 1 on sql01 to 40%
= its levels are 0 = 100%
operator: approve R7
= There is no run R7
operator: migrate emcpowera to emcpowerb on sql01
...
= R1 is held at preflight
operator: cancel R1
...
operator: estimate 4TB over 50Mb/s
= about 7.4 days at full line
operator: help
= Runbooks:
== Not succeeded: R1
