using UnrealBuildTool;

public class CancellableJobs : ModuleRules
{
	public CancellableJobs(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
		// For coroutines; the engine's own default since 5.3.
		CppStandard = CppStandardVersion.Cpp20;
		// Unreal's defaults, which dcc_cancel.hpp is made for as well.
		bEnableExceptions = false;
		bUseRTTI = false;

		PrivateDependencyModuleNames.AddRange(
			new string[] { "Core", "Json", "Networking", "Projects", "Sockets" });
		PrivateDependencyModuleNames.Add("DccCancel");
	}
}
