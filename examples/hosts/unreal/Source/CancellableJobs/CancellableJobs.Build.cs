using UnrealBuildTool;

public class CancellableJobs : ModuleRules
{
	public CancellableJobs(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
		// The jobs are coroutines. C++20 is the engine's default since 5.3.
		CppStandard = CppStandardVersion.Cpp20;
		// These are Unreal's defaults. dcc_cancel.hpp works with them.
		bEnableExceptions = false;
		bUseRTTI = false;

		PrivateDependencyModuleNames.AddRange(
			new string[] { "Core", "Json", "Networking", "Projects", "Sockets" });
		PrivateDependencyModuleNames.Add("DccCancel");
	}
}
