// A mesh in plain arrays, and the work on it: Laplacian smoothing that polls every few microseconds.
#pragma once

#include "CoreMinimal.h"
#include "Misc/QueuedThreadPool.h"

#include <atomic>

/** The positions of the vertices, and their neighbours. In a real plugin these come from an
 * FMeshDescription or an FDynamicMesh3. */
struct FSmoothableMesh
{
	TArray<FVector3f> Positions;
	/** The neighbours of vertex V are Neighbours[FirstNeighbour[V]] up to Neighbours[FirstNeighbour[V +
	 * 1]]. */
	TArray<int32> FirstNeighbour;
	TArray<int32> Neighbours;

	/** Makes a square sheet of Side x Side vertices with bumps. Vertices of its border have no neighbours, so
	 * they do not move. */
	static FSmoothableMesh MakeBumpySheet(int32 Side);

	/** The mean distance of a vertex from the middle of its neighbours. */
	static double Roughness(const FSmoothableMesh& Mesh, const TArray<FVector3f>& Positions);
};

using FSharedMesh = TSharedPtr<const FSmoothableMesh, ESPMode::ThreadSafe>;

/** Smooths a copy of a mesh. Use it on one thread at a time; SmoothPassOn itself uses several. */
class FMeshSmoothing
{
public:
	FMeshSmoothing(FSharedMesh InMesh, int32 InPasses);

	bool IsDone() const { return Passes.load() >= TotalPasses; }
	int32 GetPasses() const { return Passes.load(); }
	int32 GetTotalPasses() const { return TotalPasses; }

	/** Goes on with the present pass for at most so many vertices. False: it was asked to stop. */
	bool SmoothSome(int32 MaxVertices);

	/** Does a whole pass on threads of the pool. What is current here is current on each of them. False:
	 * it was asked to stop. */
	bool SmoothPassOn(FQueuedThreadPool& Pool);

	/** The result after the last whole pass. Do not call it during a pass. */
	const TArray<FVector3f>& GetPositions() const { return Present; }
	const FSmoothableMesh& GetMesh() const { return *Mesh; }

	/** Smooths the vertices from First up to End. False: it was asked to stop before the last one. */
	bool SmoothRange(int32 First, int32 End);

private:
	void EndPass();

	FSharedMesh Mesh;
	TArray<FVector3f> Present;
	TArray<FVector3f> Next;
	int32 NextVertex = 0;
	std::atomic<int32> Passes{0};
	int32 TotalPasses;
};
