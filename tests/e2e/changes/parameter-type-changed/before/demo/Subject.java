package demo;

public class Subject {
    static String run() {
        return "old";
    }

    public void m(int x) {
    }
}
