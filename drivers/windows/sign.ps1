# SPDX-License-Identifier: GPL-2.0-only OR MIT
<#
.SYNOPSIS
Signs pendshare's driver package with a test certificate, installs it and starts the driver; or removes all of that again.

.DESCRIPTION
For machines on which drivers are tested, and for no other: whoever holds the key of a trusted test certificate can have anything
trusted there. The key stays in the store of the user who signs. What travels with the package is the certificate, pendshare-test.cer.

Without a switch it signs and installs on this machine. To sign on one machine and install on another, run it with -SignOnly, take
the package over, and run it with -InstallOnly. It needs the signing tools of the Windows Driver Kit to sign, and nothing to install.

.PARAMETER Package
The folder with pendshare.sys and pendshare.inf, as the build leaves it. Default: that of a Release build of this checkout.

.PARAMETER Platform
What the package was built for: x64 or ARM64.

.PARAMETER SignOnly
Makes the catalog and signs, and trusts nothing on this machine.

.PARAMETER InstallOnly
Trusts the certificate in the package, installs the package, and starts the driver.

.PARAMETER Remove
Stops the driver, uninstalls its packages, and removes the test certificates from every store that this script has put them in.

.EXAMPLE
.\sign.ps1 -Platform x64

.EXAMPLE
.\sign.ps1 -InstallOnly -Package C:\pendshare

.EXAMPLE
.\sign.ps1 -Remove -WhatIf
#>
#Requires -Version 5.1
#Requires -PSEdition Desktop
#Requires -RunAsAdministrator
# Desktop: PowerShell 7 runs the modules of certificates and drivers in another process, and hands on copies without keys.
[CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Both')]
param(
    [Parameter(ParameterSetName = 'Both')]
    [Parameter(ParameterSetName = 'SignOnly')]
    [ValidateSet('x64', 'ARM64')]
    [string] $Platform = 'x64',

    [Parameter(ParameterSetName = 'Both')]
    [Parameter(ParameterSetName = 'SignOnly')]
    [Parameter(ParameterSetName = 'InstallOnly')]
    [string] $Package = (Join-Path $PSScriptRoot "$Platform\Release\pendshare"),

    [Parameter(Mandatory, ParameterSetName = 'SignOnly')]
    [switch] $SignOnly,

    [Parameter(Mandatory, ParameterSetName = 'InstallOnly')]
    [switch] $InstallOnly,

    [Parameter(Mandatory, ParameterSetName = 'Remove')]
    [switch] $Remove
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$Subject = 'CN=pendshare test'
$Service = 'pendshare'
$CertificateFile = 'pendshare-test.cer'
# A test certificate has to be in both, of the machine and not of a user:
# https://learn.microsoft.com/windows-hardware/drivers/install/installing-test-certificates
$TrustingStores = 'Cert:\LocalMachine\Root', 'Cert:\LocalMachine\TrustedPublisher'

# Names of https://learn.microsoft.com/windows-hardware/drivers/devtest/inf2cat; the oldest that the driver is for.
$CatalogSystems = @{ 'x64' = '10_X64,Server10_X64'; 'ARM64' = '10_RS3_ARM64' }

# https://learn.microsoft.com/windows-hardware/drivers/devtest/pnputil-return-values: done, nothing newer to install, done after a restart.
$PnputilDone = 0, 259, 3010
# https://learn.microsoft.com/windows/win32/debug/system-error-codes--1000-1299-: already running; unknown service, not running.
$StartDone = 0, 1056
$StopDone = 0, 1060, 1062

function Get-KitTool {
    # The newest of the kits that are installed; Inf2Cat is there for x86 only.
    param([string] $Name)
    $onPath = Get-Command -Name $Name -CommandType Application -ErrorAction SilentlyContinue
    if ($onPath) { return @($onPath)[0].Source }
    $bin = Join-Path ${env:ProgramFiles(x86)} 'Windows Kits\10\bin'
    foreach ($architecture in 'x64', 'x86') {
        $found = @(Get-ChildItem -Path (Join-Path $bin "10.*\$architecture\$Name") -ErrorAction SilentlyContinue |
            Sort-Object -Property { [version] $_.Directory.Parent.Name } -Descending)
        if ($found.Count -gt 0) { return $found[0].FullName }
    }
    throw "$Name was found neither on the path nor in $bin. Install the Windows Driver Kit: https://learn.microsoft.com/windows-hardware/drivers/download-the-wdk"
}

function Invoke-Tool {
    # Runs a program to its end, and throws unless its exit code is among those of success.
    param([string] $Path, [string[]] $Arguments, [int[]] $Done = @(0), [string] $Hint = '')
    Write-Verbose "$Path $($Arguments -join ' ')"
    & $Path @Arguments | Out-Host
    if ($Done -notcontains $LASTEXITCODE) {
        throw "exit code $LASTEXITCODE from: $Path $($Arguments -join ' '). $Hint".TrimEnd()
    }
}

function Get-PackageFile {
    param([string] $Name)
    $path = $PSCmdlet.GetUnresolvedProviderPathFromPSPath((Join-Path $Package $Name))
    # With -WhatIf nothing has made the files that signing makes.
    if (-not $WhatIfPreference -and -not (Test-Path -LiteralPath $path -PathType Leaf)) {
        throw "there is no $path. -Package names the folder of a built driver package; docs/windows.md says how to build it"
    }
    return $path
}

function Get-TestCertificate {
    # That of an earlier run, while it has its key and is valid for another day; else a new one for a year.
    $usable = @(Get-ChildItem -Path 'Cert:\CurrentUser\My' | Where-Object {
            $_.Subject -eq $Subject -and $_.HasPrivateKey -and $_.NotAfter -gt (Get-Date).AddDays(1)
        })
    if ($usable.Count -gt 0) { return $usable[0] }
    # CodeSigningCert has the key usage that Windows wants of who signs a driver:
    # https://learn.microsoft.com/windows-hardware/drivers/install/creating-test-certificates
    return New-SelfSignedCertificate -Type CodeSigningCert -Subject $Subject -HashAlgorithm SHA256 `
        -CertStoreLocation 'Cert:\CurrentUser\My' -NotAfter (Get-Date).AddYears(1)
}

function Set-DriverVersion {
    # A build by the WDK has stamped the INF; one from the sources has DriverVer empty, which no catalog is made for.
    param([string] $Inf)
    if (Select-String -LiteralPath $Inf -Pattern '^\s*DriverVer\s*=\s*\d' -Quiet) { return }
    $project = Get-Content -LiteralPath (Join-Path $PSScriptRoot 'pendshare.vcxproj') -Raw
    $version = [regex]::Match($project, '<TimeStamp>([\d.]+)</TimeStamp>').Groups[1].Value
    if ($version -eq '') { throw 'pendshare.vcxproj tells no version (TimeStamp)' }
    # https://learn.microsoft.com/windows-hardware/drivers/devtest/stampinf-command-options
    Invoke-Tool -Path (Get-KitTool 'stampinf.exe') -Arguments '-f', $Inf, '-d', '*', '-v', $version
}

function Invoke-Signing {
    $driver = Get-PackageFile 'pendshare.sys'
    $inf = Get-PackageFile 'pendshare.inf'
    $folder = Split-Path -Path $inf -Parent
    if (-not $PSCmdlet.ShouldProcess($folder, "sign with a test certificate '$Subject'")) { return }
    $signtool = Get-KitTool 'signtool.exe'
    $inf2cat = Get-KitTool 'inf2cat.exe'
    $certificate = Get-TestCertificate
    $sign = 'sign', '/v', '/fd', 'SHA256', '/s', 'My', '/sha1', $certificate.Thumbprint
    # In this order: the catalog holds the digests of the INF and of the signed driver.
    # https://learn.microsoft.com/windows-hardware/drivers/install/how-to-test-sign-a-driver-package
    Set-DriverVersion -Inf $inf
    Invoke-Tool -Path $signtool -Arguments ($sign + $driver)
    Invoke-Tool -Path $inf2cat -Arguments "/driver:$folder", "/os:$($CatalogSystems[$Platform])", '/uselocaltime'
    Invoke-Tool -Path $signtool -Arguments ($sign + (Get-PackageFile 'pendshare.cat'))
    $null = Export-Certificate -Cert $certificate -FilePath (Join-Path $folder $CertificateFile)
    Write-Host "signed $folder"
}

function Test-TestSigning {
    # What this system was started with; what bcdedit says holds from the next start on.
    $options = Get-ItemProperty -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Control' -Name 'SystemStartOptions'
    return $options.SystemStartOptions -match '\bTESTSIGNING\b'
}

$TestSigningHint = 'Windows loads test-signed drivers only after `bcdedit /set testsigning on` and a restart, which Secure Boot forbids: ' +
    'https://learn.microsoft.com/windows-hardware/drivers/install/the-testsigning-boot-configuration-option'

function Install-Package {
    $inf = Get-PackageFile 'pendshare.inf'
    $null = Get-PackageFile 'pendshare.cat'
    $certificate = Get-PackageFile $CertificateFile
    if (-not (Test-TestSigning)) { Write-Warning $TestSigningHint }
    foreach ($store in $TrustingStores) {
        if ($PSCmdlet.ShouldProcess($store, "trust $certificate")) {
            $null = Import-Certificate -FilePath $certificate -CertStoreLocation $store
        }
    }
    if ($PSCmdlet.ShouldProcess($inf, 'install the driver package')) {
        Invoke-Tool -Path 'pnputil.exe' -Arguments '/add-driver', $inf, '/install' -Done $PnputilDone
    }
    if ($PSCmdlet.ShouldProcess($Service, 'start the driver')) {
        Invoke-Tool -Path 'sc.exe' -Arguments 'start', $Service -Done $StartDone -Hint "577 is an unwelcome signature. $TestSigningHint"
        Write-Host "$Service runs"
    }
}

function Remove-Package {
    if ($PSCmdlet.ShouldProcess($Service, 'stop the driver')) {
        Invoke-Tool -Path 'sc.exe' -Arguments 'stop', $Service -Done $StopDone -Hint 'A program that has the device open keeps it.'
    }
    $installed = @(Get-WindowsDriver -Online | Where-Object { $_.OriginalFileName -like '*\pendshare.inf' })
    foreach ($driver in $installed) {
        if ($PSCmdlet.ShouldProcess($driver.Driver, 'uninstall the driver package')) {
            Invoke-Tool -Path 'pnputil.exe' -Arguments '/delete-driver', $driver.Driver, '/uninstall' -Done $PnputilDone
        }
    }
    foreach ($store in $TrustingStores + 'Cert:\CurrentUser\My') {
        foreach ($certificate in @(Get-ChildItem -Path $store | Where-Object { $_.Subject -eq $Subject })) {
            if ($PSCmdlet.ShouldProcess("$store\$($certificate.Thumbprint)", 'remove the test certificate')) {
                Remove-Item -LiteralPath $certificate.PSPath
            }
        }
    }
}

if ($Remove) {
    Remove-Package
    return
}
if (-not $InstallOnly) { Invoke-Signing }
if (-not $SignOnly) { Install-Package }
